package clitest

import "net/http"

func (s *Server) listAttachments(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	found := []object{}
	for _, a := range s.attachments {
		if (q.Get("volume_id") == "" || a["volume_id"] == q.Get("volume_id")) && (q.Get("status") == "" || a["status"] == q.Get("status")) {
			found = append(found, a)
		}
	}
	answer(w, 200, object{"attachments": found})
}

func (s *Server) createAttachment(w http.ResponseWriter, r *http.Request) {
	asked := read(r)["attachment"].(object)
	_, v := find(s.volumes, text(asked["volume_uuid"]))
	if v == nil {
		missing(w, "Volume", text(asked["volume_uuid"]))
		return
	}
	if v["status"] != "available" {
		fail(w, 400, "badRequest", "volume "+text(v["id"])+" is "+text(v["status"])+"; it must be one of [available downloading]")
		return
	}
	v["status"] = "reserved"
	a := object{
		"id": s.id(), "volume_id": v["id"], "instance": asked["instance_uuid"], "status": "reserved", "attach_mode": "rw",
		"attached_at": "", "detached_at": "", "connection_info": object{},
	}
	if mode := text(asked["mode"]); mode != "" {
		a["attach_mode"] = mode
	}
	s.attachments = append(s.attachments, a)
	connected(a, asked["connector"])
	answer(w, 200, object{"attachment": a})
}

func connected(a object, connector any) {
	if host, ok := connector.(object); ok {
		a["status"], a["connection_info"] = "attaching", object{"driver_volume_type": "iscsi", "target_lun": 0, "for": host["host"]}
	}
}

func (s *Server) oneAttachment(do func(w http.ResponseWriter, r *http.Request, a object)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, a := find(s.attachments, r.PathValue("id"))
		if a == nil {
			missing(w, "Attachment", r.PathValue("id"))
			return
		}
		do(w, r, a)
	}
}

func (s *Server) showAttachment(w http.ResponseWriter, _ *http.Request, a object) {
	answer(w, 200, object{"attachment": a})
}

func (s *Server) updateAttachment(w http.ResponseWriter, r *http.Request, a object) {
	connected(a, read(r)["attachment"].(object)["connector"])
	answer(w, 200, object{"attachment": a})
}

func (s *Server) completeAttachment(w http.ResponseWriter, _ *http.Request, a object) {
	a["status"] = "attached"
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) deleteAttachment(w http.ResponseWriter, _ *http.Request, a object) {
	i, _ := find(s.attachments, text(a["id"]))
	s.attachments = append(s.attachments[:i], s.attachments[i+1:]...)
	_, v := find(s.volumes, text(a["volume_id"]))
	v["status"] = "available"
	answer(w, 200, object{"attachments": []object{}})
}
