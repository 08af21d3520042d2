package clitest

import (
	"maps"
	"net/http"
	"slices"
)

func (s *Server) typeByName(name string) object {
	for _, t := range s.types {
		if t["name"] == name || t["id"] == name {
			return t
		}
	}
	return nil
}

func (s *Server) listTypes(w http.ResponseWriter, r *http.Request) {
	found := []object{}
	for _, t := range s.types {
		public := r.URL.Query().Get("is_public")
		if public == "None" || t["is_public"] == (public == "true") {
			found = append(found, t)
		}
	}
	answer(w, 200, object{"volume_types": found})
}

func (s *Server) createType(w http.ResponseWriter, r *http.Request) {
	asked := read(r)["volume_type"].(object)
	if s.typeByName(text(asked["name"])) != nil {
		fail(w, 409, "conflictingRequest", "Volume Type "+text(asked["name"])+" already exists.")
		return
	}
	specs, _ := asked["extra_specs"].(object)
	if specs == nil {
		specs = object{}
	}
	t := object{
		"id": s.id(), "name": asked["name"], "description": asked["description"], "extra_specs": specs,
		"is_public": asked["os-volume-type-access:is_public"],
	}
	s.types = append(s.types, t)
	answer(w, 200, object{"volume_type": t})
}

func (s *Server) volumeType(w http.ResponseWriter, r *http.Request) object {
	_, t := find(s.types, r.PathValue("id"))
	if t == nil {
		missing(w, "Volume type", r.PathValue("id"))
	}
	return t
}

func (s *Server) showType(w http.ResponseWriter, r *http.Request) {
	if t := s.volumeType(w, r); t != nil {
		answer(w, 200, object{"volume_type": t})
	}
}

func (s *Server) setType(w http.ResponseWriter, r *http.Request) {
	if t := s.volumeType(w, r); t != nil {
		maps.Copy(t, read(r)["volume_type"].(object))
		answer(w, 200, object{"volume_type": t})
	}
}

func (s *Server) deleteType(w http.ResponseWriter, r *http.Request) {
	t := s.volumeType(w, r)
	if t == nil {
		return
	}
	if slices.ContainsFunc(s.volumes, func(v object) bool { return v["volume_type"] == t["name"] }) {
		fail(w, 400, "badRequest", "Target volume type is still in use.")
		return
	}
	i, _ := find(s.types, r.PathValue("id"))
	s.types = slices.Delete(s.types, i, i+1)
	w.WriteHeader(202)
}

func (s *Server) addSpecs(w http.ResponseWriter, r *http.Request) {
	if t := s.volumeType(w, r); t != nil {
		maps.Copy(t["extra_specs"].(object), read(r)["extra_specs"].(object))
		answer(w, 200, object{"extra_specs": t["extra_specs"]})
	}
}

func (s *Server) removeSpec(w http.ResponseWriter, r *http.Request) {
	if t := s.volumeType(w, r); t != nil {
		delete(t["extra_specs"].(object), r.PathValue("key"))
		w.WriteHeader(202)
	}
}

func (s *Server) typeAction(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	for action, body := range read(r) {
		project := text(body.(object)["project"])
		if action == "addProjectAccess" {
			s.access[id] = append(s.access[id], project)
			continue
		}
		i := slices.Index(s.access[id], project)
		if i < 0 {
			missing(w, "Volume type access for", project)
			return
		}
		s.access[id] = slices.Delete(s.access[id], i, i+1)
	}
	w.WriteHeader(202)
}

func (s *Server) typeAccess(w http.ResponseWriter, r *http.Request) {
	list := []object{}
	for _, project := range s.access[r.PathValue("id")] {
		list = append(list, object{"volume_type_id": r.PathValue("id"), "project_id": project})
	}
	answer(w, 200, object{"volume_type_access": list})
}
