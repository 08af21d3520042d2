package clitest

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
)

func (s *Server) listSnapshots(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, "snapshots", filtered(s.snapshots, r.URL.Query()))
}

// filtered are the snapshots or backups that a query selects, the newest first, as the default order is.
func filtered(all []object, q url.Values) []object {
	var found []object
	for i := range all {
		n := all[len(all)-1-i]
		keep := q.Get("metadata") == "" || hasPairs(n["metadata"].(object), q.Get("metadata"))
		for _, key := range []string{"name", "status", "volume_id"} {
			keep = keep && (q.Get(key) == "" || n[key] == q.Get(key))
		}
		if keep {
			found = append(found, n)
		}
	}
	return found
}

// snapshotOf is the latest snapshot of a volume; nil if it has none.
func (s *Server) snapshotOf(volume string) object {
	var latest object
	for _, n := range s.snapshots {
		if n["volume_id"] == volume {
			latest = n
		}
	}
	return latest
}

func (s *Server) createSnapshot(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	if n, ok := s.keys[key]; ok && key != "" {
		w.Header().Set("Clinker-Flow", s.flowOf(n["id"].(string)).id)
		answer(w, 202, object{"snapshot": n})
		return
	}
	asked := read(r)["snapshot"].(object)
	_, v := find(s.volumes, text(asked["volume_id"]))
	switch {
	case v == nil:
		missing(w, "Volume", text(asked["volume_id"]))
		return
	case strings.HasPrefix(text(v["status"]), "error"):
		fail(w, 400, "badRequest", "Invalid volume: The snapshot cannot be created when the volume is in error status.")
		return
	}
	n := s.newSnapshot(r, asked, v)
	if key != "" {
		s.keys[key] = n
	}
	w.Header().Set("Clinker-Flow", s.start("snapshot-create", n, "create snapshot "+n["name"].(string)).id)
	answer(w, 202, object{"snapshot": n})
}

func (s *Server) newSnapshot(r *http.Request, asked, volume object) object {
	n := object{
		"id": s.id(), "name": text(asked["name"]), "description": asked["description"], "status": "creating", "size": volume["size"],
		"volume_id": volume["id"], "metadata": object{}, "created_at": created, "updated_at": nil,
		"os-extended-snapshot-attributes:progress": "0%", "os-extended-snapshot-attributes:project_id": r.PathValue("project"),
	}
	if metadata, ok := asked["metadata"].(object); ok {
		n["metadata"] = metadata
	}
	s.snapshots = append(s.snapshots, n)
	return n
}

func (s *Server) oneSnapshot(w http.ResponseWriter, r *http.Request) object {
	_, n := find(s.snapshots, r.PathValue("id"))
	if n == nil {
		missing(w, "Snapshot", r.PathValue("id"))
	}
	return n
}

func (s *Server) showSnapshot(w http.ResponseWriter, r *http.Request) {
	if n := s.oneSnapshot(w, r); n != nil {
		answer(w, 200, object{"snapshot": n})
	}
}

func (s *Server) setSnapshot(w http.ResponseWriter, r *http.Request) {
	if n := s.oneSnapshot(w, r); n != nil {
		maps.Copy(n, read(r)["snapshot"].(object))
		answer(w, 200, object{"snapshot": n})
	}
}

func (s *Server) addSnapshotMetadata(w http.ResponseWriter, r *http.Request) {
	addPairs(w, r, s.oneSnapshot(w, r))
}

func (s *Server) removeSnapshotMetadata(w http.ResponseWriter, r *http.Request) {
	removePair(w, r, s.oneSnapshot(w, r))
}

func (s *Server) deleteSnapshot(w http.ResponseWriter, r *http.Request) {
	n := s.oneSnapshot(w, r)
	if n == nil {
		return
	}
	if n["status"] == "creating" {
		fail(w, 400, "badRequest", "Invalid snapshot: Snapshot status must be available or error, but current status is: creating.")
		return
	}
	s.endSnapshot(w, n, "snapshot-delete", "deleting")
}

func (s *Server) endSnapshot(w http.ResponseWriter, n object, operation, status string) {
	n["status"] = status
	verb := strings.TrimPrefix(operation, "snapshot-")
	w.Header().Set("Clinker-Flow", s.start(operation, n, verb+" snapshot "+n["name"].(string)).id)
	w.WriteHeader(202)
}

func (s *Server) snapshotAction(w http.ResponseWriter, r *http.Request) {
	n := s.oneSnapshot(w, r)
	if n == nil {
		return
	}
	for action, body := range read(r) {
		switch action {
		case "os-force_delete":
			s.endSnapshot(w, n, "snapshot-delete", "deleting")
		case "os-unmanage":
			s.endSnapshot(w, n, "snapshot-unmanage", "unmanaging")
		case "os-reset_status":
			maps.Copy(n, body.(object))
			w.WriteHeader(202)
		default:
			fail(w, 400, "badRequest", "There is no such action: "+action)
		}
	}
}
