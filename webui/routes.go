package webui

// routes is the whole site on one screen.
func (s *Server) routes() []route {
	return append([]route{}, s.pageRoutes()...)
}
