package clitest

import (
	"maps"
	"net/http"
)

// Backend is the pool that the service's things can be managed on.
const Backend = "node1@dir#dir"

// manageable lists one thing that can be managed and one that is.
func (s *Server) manageable(key string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("host") != Backend {
			missing(w, "Service", r.URL.Query().Get("host"))
			return
		}
		free := object{
			"reference": object{"source-name": "old-data"}, "size": 3, "safe_to_manage": true, "reason_not_safe": nil,
			"cinder_id": nil, "extra_info": nil,
		}
		managed := maps.Clone(free)
		managed["reference"] = object{"source-name": "volume-1"}
		managed["safe_to_manage"], managed["reason_not_safe"], managed["cinder_id"] = false, "already managed", "1"
		answer(w, 200, object{key: []object{free, managed}})
	}
}

func (s *Server) manageVolume(w http.ResponseWriter, r *http.Request) {
	asked := read(r)["volume"].(object)
	if asked["host"] != Backend {
		missing(w, "Service", text(asked["host"]))
		return
	}
	v := object{
		"id": s.id(), "name": text(asked["name"]), "description": asked["description"], "status": "creating", "size": 3,
		"volume_type": asked["volume_type"], "availability_zone": "nova", "bootable": "false", "metadata": asked["ref"],
		"attachments": []object{}, "created_at": created, "links": []object{},
	}
	s.volumes = append(s.volumes, v)
	w.Header().Set("Clinker-Flow", s.start("volume-manage", v, "manage volume "+v["name"].(string)).id)
	answer(w, 202, object{"volume": v})
}

func (s *Server) manageSnapshot(w http.ResponseWriter, r *http.Request) {
	asked := read(r)["snapshot"].(object)
	_, v := find(s.volumes, text(asked["volume_id"]))
	if v == nil {
		missing(w, "Volume", text(asked["volume_id"]))
		return
	}
	n := s.newSnapshot(r, asked, v)
	n["metadata"] = asked["ref"] // to be seen by tests
	w.Header().Set("Clinker-Flow", s.start("snapshot-manage", n, "manage snapshot "+n["name"].(string)).id)
	answer(w, 202, object{"snapshot": n})
}
