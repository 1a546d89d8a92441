package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"convertd/webui/client"
)

// submitCommand sends files to a server.
type submitCommand struct {
	remote `embed:""`
	Files  []string `arg:"" optional:"" name:"file" help:"Files to send; each becomes a job, unless --together." type:"path"`

	Recipe   string     `help:"Recipe to use." placeholder:"NAME"`
	To       string     `help:"What to make of the files." placeholder:"ID"`
	Preset   string     `help:"Preset of the recipe; parameters that are given win." placeholder:"NAME"`
	Param    []string   `help:"Parameter of the recipe; may be repeated. @FILE gives a file, or a secret that is in it." placeholder:"NAME=VALUE" sep:"none"`
	Tag      []string   `help:"Tag of the job; may be repeated." placeholder:"NAME=VALUE" sep:"none"`
	After    []string   `help:"Start only after this job succeeded; may be repeated." placeholder:"ID"`
	RunAt    *time.Time `help:"Start not before this time." placeholder:"2026-01-31T18:00:00Z"`
	Expires  *time.Time `help:"End the job if it has not started by then." placeholder:"2026-01-31T18:00:00Z"`
	Together bool       `help:"Send all files as the inputs of one job."`
	Wait     bool       `help:"Wait for the end; exit 0 only if every job succeeded."`
	Dir      string     `short:"o" name:"output-dir" help:"Wait, and put the results into this folder." placeholder:"DIR" type:"path"`
	Force    bool       `help:"Overwrite results that exist."`
}

// Run submits, and with --wait or -o sees the jobs to their end.
func (c *submitCommand) Run(a *app) error {
	if c.Recipe == "" && c.To == "" {
		return errors.New("say what to do: --recipe NAME or --to ID")
	}
	params, err := splitParams(c.Param)
	if err != nil {
		return err
	}
	server, err := c.client()
	if err != nil {
		return err
	}
	paramFiles, err := c.setApart(a, server, params)
	if err != nil {
		return err
	}
	var failed error
	for _, files := range c.batches() {
		job, err := server.Submit(a.ctx, client.Submission{
			Recipe: c.Recipe, To: c.To, Preset: c.Preset, Params: params, Tags: c.Tag, Files: submissionFiles(files), ParamFiles: paramFiles,
			After: c.After, RunAt: c.RunAt, Expires: c.Expires,
		})
		if err == nil {
			err = c.follow(a, server, job)
		}
		if err != nil {
			_ = a.fail(err)
			failed = errSilent
		}
	}
	return failed
}

// batches is which files go into which job.
func (c *submitCommand) batches() [][]string {
	if c.Together || len(c.Files) == 0 {
		return [][]string{c.Files}
	}
	batches := make([][]string, len(c.Files))
	for i, file := range c.Files {
		batches[i] = []string{file}
	}
	return batches
}

func submissionFiles(paths []string) []client.SubmissionFile {
	files := make([]client.SubmissionFile, len(paths))
	for i, path := range paths {
		files[i] = client.SubmissionFile{
			Name: filepath.Base(path),
			Open: func() (io.ReadCloser, error) { return os.Open(path) },
		}
	}
	return files
}

// follow prints the accepted job, or waits for its end and takes the results.
func (c *submitCommand) follow(a *app, server *client.Client, job client.Job) error {
	if !c.Wait && c.Dir == "" {
		return c.print(a, job)
	}
	bar := newBar(a.stderr)
	err := server.Wait(a.ctx, job.ID, func(s client.Status) { bar.draw(s.Percent, inputName(job)+": "+statusText(s)) })
	bar.clear()
	if err != nil {
		return err
	}
	if job, err = server.Job(a.ctx, job.ID); err != nil {
		return err
	}
	if err := c.take(a, server, job); err != nil {
		return err
	}
	if err := c.print(a, job); err != nil || job.State == "succeeded" {
		return err
	}
	return errors.New(job.ID + ": " + stateText(job))
}

// statusText is the sentence beside the bar.
func statusText(s client.Status) string {
	if s.Message != "" {
		return s.Message
	}
	return s.State
}

func (c *submitCommand) print(a *app, job client.Job) error {
	if c.JSON {
		return printJSON(a.stdout, job)
	}
	_, err := fmt.Fprintf(a.stdout, "%s  %s  %s\n", job.ID, job.State, inputName(job))
	return err
}

// take downloads the results into the folder asked for, each under a temporary name
// until it is whole.
func (c *submitCommand) take(a *app, server *client.Client, job client.Job) error {
	if c.Dir == "" || job.State != "succeeded" {
		return nil
	}
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return err
	}
	for _, output := range job.Outputs {
		if err := c.download(a, server, output); err != nil {
			return fmt.Errorf("download %s: %w", output.Name, err)
		}
	}
	return nil
}

func (c *submitCommand) download(a *app, server *client.Client, output client.File) error {
	// The name comes from the server: only its last component may name a file here.
	to := filepath.Join(c.Dir, filepath.Base(filepath.Clean("/"+output.Name)))
	if _, err := os.Lstat(to); err == nil && !c.Force {
		return errors.New("already there; --force overwrites")
	}
	body, err := server.Open(a.ctx, output.URL)
	if err != nil {
		return err
	}
	defer body.Close()
	temporary, err := os.CreateTemp(c.Dir, ".convertd-")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = io.Copy(temporary, body)
	if err := errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), to)
}
