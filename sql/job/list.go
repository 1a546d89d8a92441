package job

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"convertd/runner/fault"
)

// Limits of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Filter says which jobs to list; a zero field does not limit.
type Filter struct {
	States []State
	Recipe string
	// Tags must all be there with these values.
	Tags         map[string]string
	Group, Owner string
	// Since and Until bound the time of the request.
	Since, Until *time.Time
	// Text is searched in names of inputs, reasons of failure, ids, recipes and owners, in any
	// case.
	Text string
	// Limit is how many jobs a page has; 0 means DefaultLimit.
	Limit int
	// Cursor is the Next of the page before, "" for the first page.
	Cursor string
}

// Page is one page of a list, newest job first. Next is the cursor of the page after it,
// "" on the last one.
type Page struct {
	Jobs []Job
	Next string
}

// List returns one page of the jobs that a filter lets through. Jobs that are made or
// removed meanwhile neither repeat nor hide others on later pages.
func (s *Store) List(ctx context.Context, filter Filter) (Page, error) {
	filter.Limit = min(max(filter.Limit, 0), MaxLimit)
	if filter.Limit == 0 {
		filter.Limit = DefaultLimit
	}
	q, err := filter.query()
	if err != nil {
		return Page{}, err
	}
	var rows []struct {
		row
		Seq int64 `db:"seq"`
	}
	if err := s.db.SelectContext(ctx, &rows, q.text(), q.values...); err != nil {
		return Page{}, explain(ctx, "list jobs", err)
	}
	page := Page{Jobs: make([]Job, 0, len(rows))}
	for i, r := range rows {
		if i == filter.Limit {
			page.Next = cursor(rows[i-1].Seq)
			break
		}
		j, err := r.job()
		if err != nil {
			return Page{}, err
		}
		page.Jobs = append(page.Jobs, j)
	}
	return page, nil
}

// query is a statement in the making. order is the column that is sorted by: a list of
// one ended state goes along the index of result, all others along job.
type query struct {
	conditions []string
	values     []any
	order      string
	limit      int
}

// where adds a condition; each %s in it becomes the number of a value.
func (q *query) where(condition string, values ...any) {
	numbers := make([]any, len(values))
	for i, value := range values {
		q.values = append(q.values, value)
		numbers[i] = "$" + strconv.Itoa(len(q.values))
	}
	q.conditions = append(q.conditions, fmt.Sprintf(condition, numbers...))
}

func (q *query) text() string {
	head := strings.Replace(selectSQL, "select j.id,", "select j.seq, j.id,", 1)
	return head + "where " + strings.Join(q.conditions, "\n    and ") +
		"\norder by " + q.order + " desc limit " + strconv.Itoa(q.limit+1)
}

func (f Filter) query() (*query, error) {
	q := &query{order: "j.seq", limit: f.Limit}
	q.where("j.deleted_at is null")
	f.whereState(q)
	if f.Recipe != "" {
		q.where("j.recipe = %s", f.Recipe)
	}
	if f.Group != "" {
		q.where("j.group_id = %s", f.Group)
	}
	if f.Owner != "" {
		q.where("j.owner = %s", f.Owner)
	}
	if f.Since != nil {
		q.where("j.created_at >= %s", *f.Since)
	}
	if f.Until != nil {
		q.where("j.created_at < %s", *f.Until)
	}
	if len(f.Tags) > 0 {
		tags, err := document(f.Tags)
		if err != nil {
			return nil, err
		}
		q.where("j.tags @> %s and j.tags <> '{}'", tags)
	}
	if text := strings.ReplaceAll(f.Text, "\x00", ""); text != "" {
		q.where(`(strpos(lower(r.detail), lower(%s)) > 0 or strpos(lower(j.id || ' ' || j.recipe || ' ' || j.owner), lower(%s)) > 0
        or exists (select from input i where i.job = j.id and strpos(lower(i.name), lower(%s)) > 0))`, text, text, text)
	}
	if f.Cursor != "" {
		seq, err := parseCursor(f.Cursor)
		if err != nil {
			return nil, err
		}
		q.where(q.order+" < %s", seq)
	}
	return q, nil
}

// whereState leads to the partial indexes where they help: waiting jobs by their flag,
// running ones by their live attempts, a single ended state by result.
func (f Filter) whereState(q *query) {
	if len(f.States) == 0 {
		return
	}
	waiting, running, ended := 0, 0, 0
	names := make([]string, len(f.States))
	for i, state := range f.States {
		names[i] = string(state)
		switch {
		case state == Running:
			running++
		case state.Ended():
			ended++
		default:
			waiting++
		}
	}
	const live = "j.id in (select job from live_attempt)"
	switch {
	case ended == 1 && len(names) == 1:
		q.order = "r.seq"
		q.where("r.state = %s", names[0])
		return
	case ended > 0:
	case running == 0:
		q.where("j.waiting")
	case waiting == 0:
		q.where(live)
	default:
		q.where("(j.waiting or " + live + ")")
	}
	q.where("j.state = any(%s)", pq.Array(names))
}

// cursor is opaque: only the place of the last job on the page.
func cursor(seq int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("1:" + strconv.FormatInt(seq, 36)))
}

func parseCursor(text string) (int64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		if number, ok := strings.CutPrefix(string(raw), "1:"); ok {
			if seq, err := strconv.ParseInt(number, 36, 64); err == nil {
				return seq, nil
			}
		}
	}
	return 0, fault.Wrap(err, fault.Invalid, "The cursor is not one of this list.", "Take it from the page before, or leave it out.")
}
