package recipe

import "time"

// HTTP is a step that calls a service and waits for what it makes. Texts in it hold
// {placeholders}, each filled once when the text is used (package service): those of a
// command line, {secret.NAME}, {remote.PATH} for a value of the service's first answer,
// {callback} for the address that takes its progress.
type HTTP struct {
	HTTPRequest
	// Idempotency is the header that says that repeated requests are one and the same; ""
	// sends none.
	Idempotency string `json:"idempotency,omitempty"`
	// Stream is how the answer tells its progress while it comes: "ndjson", "sse" or "".
	Stream string `json:"stream,omitempty"`
	// ID is where the answer has the id of the remote job. It is kept between attempts.
	ID   string `json:"id,omitempty"`
	Poll *Poll  `json:"poll,omitempty"`
	Read Read   `json:"read,omitzero"`
	// Save is the name of the result's file in the output folder; "" keeps no result.
	Save string `json:"save,omitempty"`
	// Result is a request for the result once the service is done, if neither the answer
	// itself nor a value in it (Read.Result) is that.
	Result *HTTPRequest `json:"result,omitempty"`
	// Cancel tells the service that nobody wants the result any more.
	Cancel *HTTPRequest `json:"cancel,omitempty"`
	Patience
}

// HTTPRequest is one request. At most one of JSON, Form and File is there.
type HTTPRequest struct {
	Method  string            `json:"method,omitempty"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	// JSON is the body as it was written: tables, lists, texts, numbers, booleans.
	JSON map[string]any `json:"json,omitempty"`
	// Form are the fields of a multipart body: texts, lists of texts, and files as tables
	// {file, name, type}.
	Form map[string]any `json:"form,omitempty"`
	// File is the file that is the body; Type its media type.
	File string `json:"file,omitempty"`
	Type string `json:"type,omitempty"`
}

// Poll asks for the state of a remote job again and again.
type Poll struct {
	HTTPRequest
	Every time.Duration `json:"every,omitempty"`
}

// Read says where the answers of a service have what. Paths are names and list indexes
// with dots between them: "progress.percent", "output.0.url".
type Read struct {
	Percent string `json:"percent,omitempty"`
	// Of is the number that means all; 0 means 100.
	Of      float64 `json:"of,omitempty"`
	Message string  `json:"message,omitempty"`
	// Preview has a picture of the unfinished result: a URL, or its bytes in base64.
	Preview string `json:"preview,omitempty"`
	// State is what the service calls the state of its job; Done and Failed are the values
	// that end it.
	State  string   `json:"state,omitempty"`
	Done   []string `json:"done,omitempty"`
	Failed []string `json:"failed,omitempty"`
	// Error has the service's reason for a failure.
	Error string `json:"error,omitempty"`
	// Result has the result, as ResultAs says: "url" (also data: URLs), "base64", "text"
	// or "json". A list of results makes several files.
	Result   string `json:"result,omitempty"`
	ResultAs string `json:"result_as,omitempty"`
}

// Patience is how long a service is waited for, and how much of it taken.
type Patience struct {
	// Connect bounds the making of a connection, FirstByte the wait for the head of an
	// answer, Idle the wait between two pieces of its body, Total everything that a step
	// does; 0 means the default, and for Total the time limit of the recipe.
	Connect   time.Duration `json:"connect,omitempty"`
	FirstByte time.Duration `json:"first_byte,omitempty"`
	Idle      time.Duration `json:"idle,omitempty"`
	Total     time.Duration `json:"total,omitempty"`
	// Tries is how often a request is tried before its failure counts; Wait the pause after
	// the first failure, which doubles up to Longest.
	Tries   int           `json:"tries,omitempty"`
	Wait    time.Duration `json:"wait,omitempty"`
	Longest time.Duration `json:"longest,omitempty"`
	// MaxSize bounds one result in bytes, unpacked.
	MaxSize int64 `json:"max_size,omitempty"`
}

// DefaultPatience is in force where a recipe says nothing.
func DefaultPatience() Patience {
	return Patience{
		Connect: 10 * time.Second, FirstByte: 5 * time.Minute, Idle: 2 * time.Minute,
		Tries: 8, Wait: 500 * time.Millisecond, Longest: 30 * time.Second, MaxSize: 1 << 30,
	}
}

// Source is an input that is fetched before the first step. {source.NAME} stands for the
// file in commands, environments and requests.
type Source struct {
	Name    string            `json:"name"`
	Title   Text              `json:"title,omitempty"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	// Type is the media type that the answer must have; "" takes any.
	Type string `json:"type,omitempty"`
	// SHA256 is the digest that the file must have, as 64 hex digits; "" takes any.
	SHA256 string `json:"sha256,omitempty"`
	// Shape says of paths in a JSON document what must be there: string, number, boolean,
	// list, table or any.
	Shape map[string]string `json:"shape,omitempty"`
	// TTL is how long a copy serves other jobs; 0 fetches for each job.
	TTL time.Duration `json:"ttl,omitempty"`
	// Prefix begins the name of the copy, by which an administrator can drop it.
	Prefix string `json:"prefix,omitempty"`
	Patience
}

// Cache is a folder that is kept between jobs of the recipe and owner.
type Cache struct {
	// Size is how many bytes it may hold; what was used least lately goes first. 0 means
	// that there is no such folder.
	Size int64 `json:"size"`
	// Shared makes it one folder for all owners.
	Shared bool `json:"shared,omitempty"`
	// Trusted permits Shared in a recipe that takes uploads.
	Trusted bool `json:"trusted,omitempty"`
}
