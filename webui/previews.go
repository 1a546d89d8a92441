package webui

import (
	"encoding/json"
	"io"

	"convertd/sql/job"
)

// maxLiveList bounds the list of pictures of a job that runs, in bytes.
const maxLiveList = 64 << 10

// previews are the pictures of a job: those that its row lists, and while it runs those
// that its steps have left so far.
func (s *Server) previews(j job.Job) []job.Output {
	if j.State != job.Running {
		return j.Previews
	}
	file, err := s.Spool.Job(j.ID).OpenPreview(j.Attempt, "live.json")
	if err != nil {
		return nil
	}
	defer file.Close()
	var list []job.Output
	if json.NewDecoder(io.LimitReader(file, maxLiveList)).Decode(&list) != nil {
		return nil
	}
	return list
}
