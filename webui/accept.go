package webui

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"convertd/runner/failpoint"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/idempotency"
	"convertd/sql/job"
)

// acceptTime bounds what follows a complete upload: syncs and the commit. It does not
// end with the request, because a client that goes away in that moment must not leave
// it undecided.
const acceptTime = time.Minute

// accepted is a job whose row is committed, with the token that goes to the client once.
type accepted struct {
	job.Job
	manage string
}

// accept makes a checked submission durable: files are synced already, then folders,
// then the row. When it returns an error nothing of it is left.
func (s *Server) accept(ctx context.Context, sub *submission, c checked, claim *idempotency.Claim) (accepted, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acceptTime)
	defer cancel()
	if err := s.openDraft(sub); err != nil { // for a job without files
		return accepted{}, err
	}
	failpoint.Hit(failpoint.AfterUpload)
	draft := draftOf(sub.draft.ID(), sub, c)
	draft.IdempotencyKey, draft.MaxWaiting = claim, s.QueueLimits[draft.Queue].Waiting
	if err := s.keepSecrets(sub, c); err != nil {
		return accepted{}, err
	}
	if err := sub.draft.Publish(); err != nil {
		return accepted{}, err
	}
	failpoint.Hit(failpoint.AfterFolder)
	j, err := s.Jobs.Insert(ctx, draft)
	if err != nil {
		s.dropSecrets(draft.ID, err)
		return s.settle(ctx, sub, err)
	}
	failpoint.Hit(failpoint.AfterRow)
	sub.draft.Keep()
	s.mark(ctx, sub, c)
	s.useUp(sub)
	s.board.met(j.ID)
	s.Log.LogAttrs(ctx, slog.LevelInfo, "job accepted", slog.String("job", j.ID), slog.String("recipe", j.Recipe),
		slog.Int("files", len(j.Inputs)), slog.Int64("bytes", inputBytes(j)))
	return accepted{j, sub.token}, nil
}

// mark notes beside the files what they are for; secrets are no part of that.
func (s *Server) mark(ctx context.Context, sub *submission, c checked) {
	params := c.values.Given()
	for _, p := range recipe.ParamsOf(c.recipe, recipe.Secret, params) {
		delete(params, p.Name)
	}
	names := map[string]string{}
	for _, f := range slices.AppendSeq(slices.Clone(sub.files), maps.Values(sub.paramFiles)) {
		names[f.disk] = f.name
	}
	document, err := json.Marshal(map[string]any{"recipe": c.recipe.Name, "params": params, "inputs": names, "owner": sub.owner})
	if err == nil {
		err = s.Spool.Job(sub.draft.ID()).MarkAccepted(document)
	}
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "an accepted job was not noted beside its files", slog.String("job", sub.draft.ID()), slog.Any("error", err))
	}
}

// settle finds out what an insert that failed came to: when the connection breaks in the
// commit, the row may be there all the same. While that cannot be known the files stay;
// the dispatcher removes folders that have no row.
func (s *Server) settle(ctx context.Context, sub *submission, cause error) (accepted, error) {
	j, err := s.Jobs.Find(ctx, sub.draft.ID())
	switch {
	case err == nil:
		sub.draft.Keep()
		s.useUp(sub)
		return accepted{j, sub.token}, nil
	case !fault.Is(err, fault.NotFound):
		sub.draft.Keep()
		s.Log.LogAttrs(ctx, slog.LevelWarn, "a submission could not be decided; its folder stays", slog.String("job", sub.draft.ID()), slog.Any("error", err))
	}
	return accepted{}, cause
}

// useUp removes the resumable uploads that became inputs of the job.
func (s *Server) useUp(sub *submission) {
	for _, id := range sub.used {
		if err := s.tus.Remove(id); err != nil {
			s.Log.Warn("an upload that was used stays until it expires", slog.String("upload", id), slog.Any("error", err))
		}
	}
}

// fingerprint is what must be the same in a repeated request. A file that is named and
// not sent counts by its name: what that names never changes, but may be gone.
func fingerprint(sub *submission, c checked) []byte {
	sums := make([]string, len(sub.files))
	for i, f := range sub.files {
		sums[i] = f.sum()
	}
	for _, p := range recipe.ParamsOf(c.recipe, recipe.File, c.values) {
		sums = append(sums, p.Name+"="+sub.paramFiles[p.Name].sum())
	}
	text, _ := json.Marshal([]any{c.recipe.Name, recipe.CanonicalParams(c.values), sums}) // strings only
	sum := sha256.Sum256(text)
	return sum[:]
}

// sum tells the file from others.
func (f received) sum() string {
	switch {
	case f.ref.Upload != "":
		return "upload/" + f.ref.Upload
	case f.ref.Job != "":
		return f.ref.Job + "/" + f.ref.Output
	}
	return f.SHA256
}

// abandon gives a key back whose submission was refused.
func (s *Server) abandon(ctx context.Context, claim *idempotency.Claim) {
	if claim == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUp)
	defer cancel()
	if err := s.Keys.Abandon(ctx, *claim); err != nil && !errors.Is(err, context.Canceled) {
		s.Log.Warn("an idempotency key stays taken until it lapses", slog.Any("error", err))
	}
}
