package clitest

import (
	"maps"
	"net/http"
)

func (s *Server) listSchedules(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, "backup_schedules", filtered(s.schedules, r.URL.Query()))
}

// createSchedule knows no cron but that it has to be there, and that "never" is none.
func (s *Server) createSchedule(w http.ResponseWriter, r *http.Request) {
	asked := read(r)["backup_schedule"].(object)
	if asked["cron"] == "never" {
		fail(w, 400, "badRequest", `Invalid input received: invalid: cron "never" is not valid`)
		return
	}
	b := object{
		"id": s.id(), "name": "", "description": nil, "project_id": r.PathValue("project"), "time_zone": "UTC", "full_every": 7, "verify_every": 0,
		"keep_last": 0, "keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0, "paused": false, "paused_reason": nil, "next_run_at": created,
		"runs": 0, "last_result": nil, "last_error": nil, "last_run_at": nil, "last_skipped_at": nil, "last_skipped_reason": nil, "quiesce": "no", "created_at": created,
		"status": "available", "metadata": object{},
	}
	maps.Copy(b, asked)
	s.schedules = append(s.schedules, b)
	answer(w, 201, object{"backup_schedule": b})
}

func (s *Server) oneSchedule(w http.ResponseWriter, r *http.Request) {
	i, b := find(s.schedules, r.PathValue("id"))
	switch {
	case b == nil:
		missing(w, "Backup schedule", r.PathValue("id"))
	case r.Method == http.MethodPost:
		b["runs"], b["last_result"] = b["runs"].(int)+1, "SUCCESS"
		w.Header().Set("Clinker-Flow", s.start("schedule-run", b, "run the backup schedule").id)
		w.WriteHeader(http.StatusAccepted)
	case r.Method == http.MethodDelete:
		s.schedules = append(s.schedules[:i:i], s.schedules[i+1:]...)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut:
		maps.Copy(b, read(r)["backup_schedule"].(object))
		answer(w, 200, object{"backup_schedule": b})
	default:
		answer(w, 200, object{"backup_schedule": b})
	}
}
