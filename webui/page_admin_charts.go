package webui

import (
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/recipe"
	"convertd/sql/job"
	pages "convertd/webui/page"
)

// chartHours is how far back charts go.
const chartHours = 48

// chartsPage shows how things went lately.
func (s *Server) chartsPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	view := pages.AdminCharts{AdminFrame: s.adminFrame(v, "charts.title", "charts")}
	hours, err := s.Jobs.Hours(r.Context(), chartHours)
	if err != nil {
		return err
	}
	for _, h := range hours {
		view.Hours = append(view.Hours, pages.Hour{At: h.Hour, Succeeded: h.Succeeded, Failed: h.Failed, Cancelled: h.Cancelled,
			Waited: secondsOrNone(h.Waited), Ran: secondsOrNone(h.Ran)})
	}
	recipes, err := s.Jobs.RecipeStats(r.Context())
	if err != nil {
		return err
	}
	for _, row := range recipes {
		view.Peaks = append(view.Peaks, s.peak(row))
	}
	if free, total, err := s.Spool.Room(); err == nil { // a disk that does not answer is left out
		view.Free, view.Total = free, total
	}
	return s.show(w, r, v, view)
}

func (s *Server) peak(row job.RecipeStats) pages.Peak {
	declared, _ := s.Recipes().Find(row.Recipe)
	limit := declared.Limits.Memory
	if limit == 0 {
		limit = recipe.DefaultLimits().Memory
	}
	return pages.Peak{Recipe: row.Recipe, Memory: row.PeakMemoryBytes, Limit: limit, Failed: row.Failed,
		Jobs: row.Succeeded + row.Failed + row.Cancelled + row.Expired, Ran: secondsOrNone(row.Seconds)}
}

func secondsOrNone(seconds *float64) time.Duration {
	if seconds == nil {
		return 0
	}
	return inSeconds(*seconds)
}
