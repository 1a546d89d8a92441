package webui

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/webui/form"
)

const (
	// maxFields bounds the parts of a form that are no files.
	maxFields = 1000
	// maxPartHeader and maxField bound one part in bytes.
	maxPartHeader = 16 << 10
	maxField      = 64 << 10
)

// receiveForm reads a multipart form into the submission, its files into a draft, each
// synced. Parts may come in any order.
func (s *Server) receiveForm(w http.ResponseWriter, r *http.Request, sub *submission) error {
	body, err := s.openBody(w, r, s.Limits.Upload)
	if err != nil {
		return err
	}
	defer body.Close()
	r.Body = body
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	limits := form.Limits{Parts: s.Limits.Files + maxFields, Header: maxPartHeader, Field: maxField}
	reader, err := form.NewReader(r, limits, *buffer)
	if err != nil {
		return err
	}
	for {
		part, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = s.receivePart(r.Context(), reader, part, sub)
		}
		if err != nil {
			return err
		}
	}
}

func (s *Server) receivePart(ctx context.Context, reader *form.Reader, part form.Part, sub *submission) error {
	if part.Name == "file" {
		if !part.File {
			return fieldFault("file", "The part file carries no file.", "Send it with a file name, as curl does for -F file=@NAME.")
		}
		if err := s.worthSending(ctx, sub); err != nil {
			return err
		}
		return s.receiveFile(reader, part.FileName, sub)
	}
	if param, ok := strings.CutPrefix(part.Name, paramPrefix); ok && part.File {
		return s.receiveParamFile(reader, param, part.FileName, sub)
	}
	if part.File {
		return unsupportedField(part.Name)
	}
	value, err := reader.Text()
	if err != nil {
		return err
	}
	return sub.field(part.Name, value)
}

// worthSending refuses, before gigabytes are sent for nothing, what is sure to be refused.
func (s *Server) worthSending(ctx context.Context, sub *submission) error {
	if err := s.knownRecipe(sub); err != nil {
		return err
	}
	queue := ""
	if r, ok := s.Recipes().Find(sub.recipe); ok {
		queue = r.Queue
	}
	return s.Jobs.HasRoom(ctx, queue, s.QueueLimits[queue].Waiting)
}

// openDraft makes the folder that files are received into.
func (s *Server) openDraft(sub *submission) error {
	if sub.draft != nil {
		return nil
	}
	if err := s.sameSpool(); err != nil {
		return err
	}
	draft, err := s.Spool.NewDraft(rand.Text())
	sub.draft = draft
	return err
}

// receiveFile stores the file of the current part, if there is one.
func (s *Server) receiveFile(reader *form.Reader, name string, sub *submission) error {
	if len(sub.files) >= s.Limits.Files {
		return fault.New(fault.TooManyFiles, fmt.Sprintf("More than %d files were sent at once.", s.Limits.Files), "Send them in several requests.")
	}
	f, err := s.storePart(reader, len(sub.files)+1, name, sub)
	if err != nil || f.disk == "" {
		return err
	}
	sub.files = append(sub.files, f)
	return sub.draft.Name(f.number, f.disk)
}

// storePart stores the current part under a number, and describes it. A file input left
// empty in a browser's form has neither name nor content; nothing is stored of it, and
// what is returned has no name on disk.
func (s *Server) storePart(reader *form.Reader, number int, name string, sub *submission) (received, error) {
	if err := s.openDraft(sub); err != nil {
		return received{}, err
	}
	file, err := sub.draft.Create(number)
	if err != nil {
		return received{}, err
	}
	if _, err := reader.CopyTo(file); err != nil {
		file.Abort()
		return received{}, err
	}
	stored, err := file.Close()
	if err != nil {
		return received{}, err
	}
	if stored.Size == 0 && name == "" {
		return received{}, sub.draft.Drop(number)
	}
	return describe(number, name, stored), nil
}

// describe makes a file's harmless name, and its type by content.
func describe(number int, name string, stored spool.Stored) received {
	kind := mimetype.Detect(stored.Head)
	mediaType, _, _ := strings.Cut(kind.String(), ";")
	f := received{Stored: stored, number: number, name: spool.CleanName(name), mediaType: mediaType}
	extension := spool.Extension(f.name)
	if extension == "" {
		extension = spool.Extension("x" + kind.Extension()) // tools look at it
	}
	f.disk = spool.InputFile(number, extension)
	f.Head = nil
	return f
}
