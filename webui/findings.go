package webui

import (
	"context"
	"net/http"

	"github.com/julienschmidt/httprouter"

	"convertd/webui/client"
)

// findings are those of the dispatcher's last look at its machine, for API and pages.
func (s *Server) findings(ctx context.Context) (client.Findings, error) {
	list := client.Findings{Findings: []client.Finding{}}
	rows, err := s.Findings.List(ctx)
	if err != nil {
		return list, err
	}
	for _, row := range rows {
		list.Host, list.ExaminedAt = row.Host, &row.ExaminedAt
		if row.Level == "fail" || row.Level == "warn" && list.Level != "fail" || list.Level == "" {
			list.Level = row.Level
		}
		list.Findings = append(list.Findings, client.Finding{Check: row.Topic, Level: row.Level, Text: row.Text, Remedy: row.Remedy, Since: row.Since})
	}
	return list, nil
}

// listFindings serves them, to the administrator.
func (s *Server) listFindings(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	list, err := s.findings(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, list)
}
