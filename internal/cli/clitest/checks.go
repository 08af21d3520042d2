package clitest

import (
	"fmt"
	"net/http"
)

// createCheck finds, the first time, a host that is let in without an attachment, and a disk that a guest lacks; what it mends is gone the next time.
func (s *Server) createCheck(w http.ResponseWriter, r *http.Request) {
	asked := read(r)["attachment_check"].(object)
	mend, _ := asked["mend"].(bool)
	c := object{
		"id": s.id(), "state": "running", "mend": mend, "looks": 0, "places_answered": 0, "places_unanswered": []any{}, "differences": 0, "mended": 0,
		"error": nil, "user_id": "u1", "request_id": nil, "started_at": created, "ended_at": nil,
	}
	if fmt.Sprint(asked["apart"]) == "13" {
		c["then"] = "failed"
	}
	s.checks = append(s.checks, c)
	answer(w, 202, object{"attachment_check": c})
}

// oneCheck ends a check at the second look at it.
func (s *Server) oneCheck(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if id == "latest" && len(s.checks) > 0 {
		id = text(s.checks[len(s.checks)-1]["id"])
	}
	_, c := find(s.checks, id)
	if c == nil {
		missing(w, "Attachment check", id)
		return
	}
	answer(w, 200, object{"attachment_check": c})
	switch {
	case c["state"] != "running":
	case c["then"] == "failed":
		c["state"], c["error"] = "failed", "the catalogue does not answer"
	default:
		c["state"], c["looks"], c["places_answered"], c["places_unanswered"], c["ended_at"] = "done", 2, 2, []any{"compute9"}, created
		c["differences"] = len(s.differ(c))
		if c["mend"] == true && c["differences"] == 2 {
			c["mended"], s.mended = 1, true
		}
	}
}

func (s *Server) differ(c object) []object {
	d := object{"id": "d1", "difference": "let in without an attachment", "place": "node1@dir", "volume_id": "v1", "record": false, "target": true, "host": nil, "guest": nil, "outcome": "would be mended"}
	e := object{"id": "d2", "difference": "attached, but its guest does not have the disk", "place": "compute1", "volume_id": "v2", "record": true, "target": nil, "host": true, "guest": false, "outcome": "needs a person"}
	switch {
	case c["state"] != "done":
		return []object{}
	case s.mended && c["mended"] == 0:
		return []object{e}
	case c["mend"] == true:
		d["outcome"], e["outcome"] = "mended", "told"
	}
	return []object{d, e}
}

func (s *Server) listDifferences(w http.ResponseWriter, r *http.Request) {
	_, c := find(s.checks, r.PathValue("id"))
	if c == nil {
		missing(w, "Attachment check", r.PathValue("id"))
		return
	}
	answer(w, 200, object{"differences": s.differ(c)})
}
