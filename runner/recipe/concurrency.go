package recipe

import (
	"crypto/sha256"
	"encoding/hex"
)

// Concurrency says which jobs exclude each other: jobs of all recipes whose keys come to
// the same text never run at once.
type Concurrency struct {
	// Key is a text with {param.NAME}; "" excludes nothing.
	Key string `json:"key"`
	// Reject refuses a job while another with the key has not ended; without it the job
	// waits for that.
	Reject bool `json:"reject,omitempty"`
}

// maxKey is how long a key may be in bytes before its digest stands for it.
const maxKey = 200

// ConcurrencyKey is the key of a job with the checked values, "" for a job that excludes
// no other: the recipe has no key, or all parameters in it are empty.
func (r Recipe) ConcurrencyKey(values Values) (string, error) {
	if r.Concurrency.Key == "" {
		return "", nil
	}
	key, err := FillText(r.Concurrency.Key, Vars{Params: r.Params, Values: values})
	if len(key) > maxKey {
		sum := sha256.Sum256([]byte(key))
		key = hex.EncodeToString(sum[:])
	}
	return key, err
}
