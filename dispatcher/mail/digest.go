package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"convertd/sql/outbox"
)

// maxDigest bounds the failures named in one digest.
const maxDigest = 2000

// sort decides what of the due mails is sent now. The first failure of a kind goes at
// once and alone, as long as per_hour allows; the others wait for the end of the hour
// and are then joined into one digest. A failure that was tried alone stays alone.
func (s *Sender) sort(ctx context.Context, due []outbox.Mail) (ready []outbox.Mail, err error) {
	now := s.now()
	hour := now.Truncate(time.Hour)
	known, alone, err := s.recent(ctx, hour)
	if err != nil {
		return nil, err
	}
	late := map[string][]outbox.Mail{}
	var wait []int64
	for _, m := range due {
		f, fresh := untried(m)
		switch {
		case !fresh:
			ready = append(ready, m)
		case !known[f.Kind()] && alone < s.config.Load().PerHour:
			known[f.Kind()] = true
			alone++
			ready = append(ready, m)
		case m.CreatedAt.Before(hour):
			late[m.To] = append(late[m.To], m)
		default:
			wait = append(wait, m.ID)
		}
	}
	if err := s.owed.Postpone(ctx, wait, hour.Add(time.Hour)); err != nil {
		return nil, err
	}
	for to, mails := range late {
		if err := s.join(ctx, to, mails); err != nil {
			return nil, err
		}
	}
	return ready, nil
}

// untried returns a failure about which nothing was decided yet.
func untried(m outbox.Mail) (Failure, bool) {
	var f Failure
	if m.Kind != KindFailure || m.Tries > 0 || json.Unmarshal(m.Payload, &f) != nil {
		return Failure{}, false
	}
	return f, true
}

// recent returns the kinds of failure that were told about in this hour or the one
// before, and how many mails were sent alone in this hour.
func (s *Sender) recent(ctx context.Context, hour time.Time) (known map[string]bool, alone int, err error) {
	mails, err := s.owed.Recent(ctx, KindFailure, hour.Add(-time.Hour))
	if err != nil {
		return nil, 0, err
	}
	known = map[string]bool{}
	for _, m := range mails {
		var f Failure
		if json.Unmarshal(m.Payload, &f) == nil {
			known[f.Kind()] = true
		}
		if m.Tries > 0 && !m.CreatedAt.Before(hour) {
			alone++
		}
	}
	return known, alone, nil
}

// brief is as much of a failure as a digest tells of it.
func (f Failure) brief() Failure {
	return Failure{Job: f.Job, Recipe: f.Recipe, Class: f.Class, Detail: f.Detail, Inputs: f.Inputs, At: f.At}
}

// join puts a digest in the place of mails to one address.
func (s *Sender) join(ctx context.Context, to string, mails []outbox.Mail) error {
	for len(mails) > 0 {
		some := mails[:min(len(mails), maxDigest)]
		mails = mails[len(some):]
		var d Digest
		var ids []int64
		for _, m := range some {
			if f, ok := untried(m); ok {
				d.Failures = append(d.Failures, f.brief())
				ids = append(ids, m.ID)
			}
		}
		payload, err := Marshal(d)
		if err != nil {
			return err
		}
		draft := outbox.Draft{Kind: KindDigest, To: to, Payload: payload}
		if err := s.owed.Join(ctx, fmt.Sprintf("digest.%d", ids[0]), draft, ids); err != nil {
			return err
		}
		s.log.Info("failures joined into a digest", "failures", len(ids))
	}
	return nil
}
