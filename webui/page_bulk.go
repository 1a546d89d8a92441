package webui

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/sql/job"
	pages "convertd/webui/page"
)

// chosenForm does the same to the jobs that a person ticked in the own list, or answers
// their results as one file.
func (s *Server) chosenForm(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	chosen, err := s.chosen(w, r)
	if err != nil {
		return err
	}
	act := r.PostForm.Get("act")
	if act == "zip" {
		return s.zipChosen(w, r, chosen)
	}
	if !slices.Contains([]string{"retry", "cancel", "delete"}, act) {
		return fault.New(fault.Invalid, "The form does not say what is to be done.", "Go back and press one of its buttons.")
	}
	ids := make([]string, 0, len(chosen))
	for _, j := range chosen {
		ids = append(ids, j.ID)
	}
	result := s.doMany(r, act, ids)
	f := readJobFilter(jobsPath, r.PostForm)
	f.owner = ""
	http.Redirect(w, r, f.address("did", act, "done", strconv.Itoa(result.done), "refused", strconv.Itoa(result.refused), "why", result.why), http.StatusSeeOther)
	return nil
}

// chosen reads which jobs are meant; all of them must be the caller's.
func (s *Server) chosen(w http.ResponseWriter, r *http.Request) ([]job.Job, error) {
	if err := smallForm(w, r); err != nil {
		return nil, err
	}
	ids := r.PostForm["job"]
	if len(ids) == 0 || len(ids) > ownRows {
		return nil, fault.New(fault.Invalid, "No job is chosen.", "Go back and tick the jobs that are meant.")
	}
	caller := s.Guard.Caller(r)
	var all []job.Job
	for _, id := range ids {
		j, err := s.find(r.Context(), httprouter.Params{{Key: "id", Value: id}})
		if fault.Is(err, fault.NotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		if !caller.MayManage(r, j.Owner, j.ManageHash) {
			return nil, notYours()
		}
		all = append(all, j)
	}
	return all, nil
}

// smallForm reads a form of a few fields.
func smallForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxSettings)
	if err := r.ParseForm(); err != nil {
		return unreadableForm(err)
	}
	return nil
}

// zipChosen answers the results of the jobs that have some.
func (s *Server) zipChosen(w http.ResponseWriter, r *http.Request, chosen []job.Job) error {
	with := slices.DeleteFunc(chosen, func(j job.Job) bool { return len(j.Outputs) == 0 || filesGone(j) })
	if len(with) == 0 {
		return fault.New(fault.NotFound, "None of the chosen jobs has results.", "Go back and choose jobs that are done.")
	}
	return s.sendZip(w, r, "convertd-results.zip", with)
}

// keepForm keeps the files of an ended job for so many days from now.
func (s *Server) keepForm(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	if err := smallForm(w, r); err != nil {
		return err
	}
	const most = int(maxKeep / (24 * time.Hour))
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 1 || days > most {
		return fault.New(fault.Invalid, "The number of days is not 1 to "+strconv.Itoa(most)+".", "Go back and choose one.")
	}
	if _, err := s.Jobs.KeepUntil(r.Context(), j.ID, time.Now().UTC().Add(time.Duration(days)*24*time.Hour)); err != nil {
		return err
	}
	return seeOther(w, r, jobPage(j.ID))
}

// keepChoices are the lengths of time that a card offers, counted from now.
func keepChoices(v visit) []pages.Option {
	const usual = 30
	var all []pages.Option
	for _, days := range []int{1, 7, usual, 90, 365} {
		all = append(all, pages.Option{Value: strconv.Itoa(days), Title: v.texts.Count("time.days", days), Chosen: days == usual})
	}
	return all
}
