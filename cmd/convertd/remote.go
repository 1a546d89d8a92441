package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"convertd/webui/client"
)

// remote is what every command that talks to a server takes.
type remote struct {
	Server string `help:"Address of the server (default: http://127.0.0.1:8080)." env:"CONVERTD_URL" default:"http://127.0.0.1:8080" placeholder:"URL"`
	Key    string `help:"The administrator's token." env:"CONVERTD_API_KEY" placeholder:"KEY"`
	JSON   bool   `name:"json" help:"Print documents as JSON."`
}

func (r remote) client() (*client.Client, error) { return client.New(r.Server, r.Key) }

// printJSON writes a document as it is, for programs.
func printJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// stateText is one job's state in words: percent while it runs, its reason when it failed.
func stateText(j client.Job) string {
	switch {
	case j.Error != nil:
		return j.State + ": " + j.Error.Detail
	case j.State == "running" && j.Percent != nil:
		return fmt.Sprintf("running, %.0f %%", math.Floor(*j.Percent))
	case j.QueuePosition != nil:
		return fmt.Sprintf("%s, place %d", j.State, *j.QueuePosition)
	}
	return j.State
}

// inputName is what the job is called on a line: its first file, and how many more.
func inputName(j client.Job) string {
	switch len(j.Inputs) {
	case 0:
		return "-"
	case 1:
		return j.Inputs[0].Name
	}
	return fmt.Sprintf("%s and %d more", j.Inputs[0].Name, len(j.Inputs)-1)
}

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// sizeText writes a number of bytes for people.
func sizeText(bytes int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	n, unit := float64(bytes), 0
	for n >= 1000 && unit < len(units)-1 {
		n, unit = n/1000, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", n, units[unit])
}
