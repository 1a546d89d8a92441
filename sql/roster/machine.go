package roster

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
)

// Machine is where attempts run, as far as it can make one end differently from another:
// it stands in the rows of dispatchers and of attempts. Its zero value means not known.
type Machine struct {
	Host string `json:"host"`
	// BootID is the kernel's, another one after each start.
	BootID string `json:"boot_id"`
	Kernel string `json:"kernel"`
	// Convertd is the version of this program, built-in conversions included.
	Convertd string `json:"convertd"`
	// Tree, Memory and Processes are how an attempt is held together and its limits are
	// kept: v2, v1 or none.
	Tree      string `json:"tree"`
	Memory    string `json:"memory"`
	Processes string `json:"processes"`
	// Lacks are the parts of the box that the machine does not give.
	Lacks []string `json:"lacks"`
}

// Scan reads the JSON of a row.
func (m *Machine) Scan(value any) error {
	text, ok := value.([]byte)
	if value == nil || ok && len(text) == 0 {
		*m = Machine{}
		return nil
	}
	if !ok {
		return fmt.Errorf("read machine: not JSON but %T", value)
	}
	if err := json.Unmarshal(text, m); err != nil {
		return fmt.Errorf("read machine: %w", err)
	}
	return nil
}

// Value is the JSON for a row.
func (m Machine) Value() (driver.Value, error) {
	text, err := json.Marshal(m)
	return string(text), err
}

// Differences are sentences about what is not as it was on m.
func (m Machine) Differences(now Machine) []string {
	var all []string
	for _, row := range []struct{ what, was, is string }{
		{"The machine", m.Host, now.Host},
		{"The kernel", m.Kernel, now.Kernel},
		{"The version of convertd", m.Convertd, now.Convertd},
		{"What holds the processes of a job together (control groups)", m.Tree, now.Tree},
		{"What keeps the limit of memory (control groups)", m.Memory, now.Memory},
		{"What keeps the limit of processes (control groups)", m.Processes, now.Processes},
	} {
		if row.was != row.is {
			all = append(all, fmt.Sprintf("%s was %s and is %s now.", row.what, row.was, row.is))
		}
	}
	if m.Host == now.Host && m.BootID != now.BootID {
		all = append(all, "The machine was restarted since.")
	}
	for _, part := range now.Lacks {
		if !slices.Contains(m.Lacks, part) {
			all = append(all, fmt.Sprintf("The box is without a part now that it had: %s.", part))
		}
	}
	for _, part := range m.Lacks {
		if !slices.Contains(now.Lacks, part) {
			all = append(all, fmt.Sprintf("The box has a part now that it was without: %s.", part))
		}
	}
	return all
}
