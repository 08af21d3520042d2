package clitest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const created = "2026-01-02T03:04:05.000000"

// pageSize is small, so that a few volumes make several pages.
const pageSize = 3

func (s *Server) listVolumes(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var found []object
	for _, v := range s.volumes {
		if (q.Get("name") == "" || v["name"] == q.Get("name")) && (q.Get("status") == "" || v["status"] == q.Get("status")) &&
			(q.Get("metadata") == "" || hasPairs(v["metadata"].(object), q.Get("metadata"))) {
			found = append(found, v)
		}
	}
	if key, direction, _ := strings.Cut(q.Get("sort"), ":"); key == "name" {
		slices.SortStableFunc(found, func(a, b object) int {
			c := strings.Compare(a["name"].(string), b["name"].(string))
			if direction == "desc" {
				return -c
			}
			return c
		})
	}
	s.page(w, r, "volumes", found)
}

// page cuts a list by marker and limit, and links to the next page.
func (s *Server) page(w http.ResponseWriter, r *http.Request, key string, found []object) {
	q := r.URL.Query()
	if marker := q.Get("marker"); marker != "" {
		i, _ := find(found, marker)
		found = found[i+1:]
	}
	limit := pageSize
	if n, err := strconv.Atoi(q.Get("limit")); err == nil {
		limit = min(n, limit)
	}
	body := object{key: append([]object{}, found[:min(limit, len(found))]...)}
	if len(found) >= limit {
		body[key+"_links"] = []object{{"rel": "next", "href": "http://elsewhere.invalid/"}}
	}
	answer(w, 200, body)
}

// hasPairs reads the Python dictionary of a metadata filter with one pair.
func hasPairs(metadata object, filter string) bool {
	key, value, _ := strings.Cut(strings.Trim(filter, "{}"), ": ")
	return metadata[strings.Trim(key, "'")] == strings.Trim(value, "'")
}

func (s *Server) summary(w http.ResponseWriter, _ *http.Request) {
	size := 0
	for _, v := range s.volumes {
		size += v["size"].(int)
	}
	answer(w, 200, object{"volume-summary": object{"total_count": len(s.volumes), "total_size": size, "metadata": object{}}})
}

func (s *Server) createVolume(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	if v, ok := s.keys[key]; ok && key != "" {
		w.Header().Set("Clinker-Flow", s.flowOf(v["id"].(string)).id)
		answer(w, 202, object{"volume": v})
		return
	}
	body := read(r)
	asked, _ := body["volume"].(object)
	number, _ := asked["size"].(json.Number)
	size, _ := strconv.Atoi(number.String())
	if _, source := find(s.volumes, text(asked["source_volid"])); source != nil && size == 0 {
		size = source["size"].(int)
	}
	if _, source := find(s.snapshots, text(asked["snapshot_id"])); source != nil && size == 0 {
		size = source["size"].(int)
	}
	if _, source := find(s.backups, text(asked["backup_id"])); source != nil && size == 0 {
		size = source["size"].(int)
	}
	switch {
	case size < 1:
		fail(w, 400, "badRequest", "Invalid input for field/attribute size. Value: "+number.String()+". it must be 1 to 2147483647")
		return
	case size > 1000:
		fail(w, 413, "overLimit", "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota.")
		return
	case asked["volume_type"] != nil && s.typeByName(text(asked["volume_type"])) == nil:
		fail(w, 404, "itemNotFound", "Volume type with name "+text(asked["volume_type"])+" could not be found.")
		return
	}
	v := s.newVolume(r, asked, size)
	if metadata, ok := asked["metadata"].(object); ok {
		v["metadata"] = metadata
	}
	if hints, ok := body["OS-SCH-HNT:scheduler_hints"].(object); ok {
		maps.Copy(v["metadata"].(object), hints) // to be seen by tests
	}
	if key != "" {
		s.keys[key] = v
	}
	f := s.start("volume-create", v, "create "+strconv.Itoa(size)+" GiB volume "+v["name"].(string))
	w.Header().Set("Clinker-Flow", f.id)
	answer(w, 202, object{"volume": v})
}

func (s *Server) newVolume(r *http.Request, asked object, size int) object {
	v := object{
		"id": s.id(), "name": text(asked["name"]), "description": asked["description"], "status": "creating", "size": size,
		"volume_type": asked["volume_type"], "availability_zone": "nova", "bootable": "false", "metadata": object{},
		"attachments": []object{}, "created_at": created, "source_volid": asked["source_volid"], "snapshot_id": asked["snapshot_id"], "links": []object{},
		"os-vol-host-attr:host": nil, "os-vol-tenant-attr:tenant_id": r.PathValue("project"),
	}
	s.volumes = append(s.volumes, v)
	return v
}

func (s *Server) volume(w http.ResponseWriter, r *http.Request) object {
	_, v := find(s.volumes, r.PathValue("id"))
	if v == nil {
		missing(w, "Volume", r.PathValue("id"))
	}
	return v
}

func (s *Server) showVolume(w http.ResponseWriter, r *http.Request) {
	if v := s.volume(w, r); v != nil {
		answer(w, 200, object{"volume": v})
	}
}

func (s *Server) setVolume(w http.ResponseWriter, r *http.Request) {
	if v := s.volume(w, r); v != nil {
		maps.Copy(v, read(r)["volume"].(object))
		answer(w, 200, object{"volume": v})
	}
}

func (s *Server) deleteVolume(w http.ResponseWriter, r *http.Request) {
	v := s.volume(w, r)
	if v == nil {
		return
	}
	if v["status"] == "creating" && r.URL.Query().Get("force") == "" {
		fail(w, 400, "badRequest", "Invalid volume: Volume status must be available or error, but current status is: creating.")
		return
	}
	if s.snapshotOf(text(v["id"])) != nil && r.URL.Query().Get("cascade") == "" {
		fail(w, 400, "badRequest", "Invalid volume: Volume "+text(v["id"])+" still has dependent snapshots.")
		return
	}
	v["status"] = "deleting"
	f := s.start("volume-delete", v, "delete volume "+v["name"].(string))
	w.Header().Set("Clinker-Flow", f.id)
	w.WriteHeader(202)
}

func (s *Server) addMetadata(w http.ResponseWriter, r *http.Request) { addPairs(w, r, s.volume(w, r)) }

func (s *Server) removeMetadata(w http.ResponseWriter, r *http.Request) {
	removePair(w, r, s.volume(w, r))
}

// addPairs adds to the metadata of what was found; nil was answered already.
func addPairs(w http.ResponseWriter, r *http.Request, thing object) {
	if thing != nil {
		maps.Copy(thing["metadata"].(object), read(r)["metadata"].(object))
		answer(w, 200, object{"metadata": thing["metadata"]})
	}
}

func removePair(w http.ResponseWriter, r *http.Request, thing object) {
	if thing == nil {
		return
	}
	if _, ok := thing["metadata"].(object)[r.PathValue("key")]; !ok {
		missing(w, "Metadata key", r.PathValue("key"))
		return
	}
	delete(thing["metadata"].(object), r.PathValue("key"))
}

func (s *Server) volumeAction(w http.ResponseWriter, r *http.Request) {
	v := s.volume(w, r)
	if v == nil {
		return
	}
	for action, body := range read(r) {
		body, _ := body.(object)
		switch action {
		case "os-extend":
			size, _ := strconv.Atoi(body["new_size"].(json.Number).String())
			if size <= v["size"].(int) {
				fail(w, 400, "badRequest", "Invalid input received: New size for extend must be greater than current size.")
				return
			}
			v["status"], v["size"] = "extending", size
			w.Header().Set("Clinker-Flow", s.start("volume-extend", v, "extend volume "+v["name"].(string)).id)
		case "os-set_bootable":
			v["bootable"] = strconv.FormatBool(body["bootable"].(bool))
		case "os-update_readonly_flag":
			v["metadata"].(object)["readonly"] = strconv.FormatBool(body["readonly"].(bool))
		case "os-reset_status":
			maps.Copy(v, body)
		case "revert":
			if latest := s.snapshotOf(text(v["id"])); latest == nil || latest["id"] != body["snapshot_id"] {
				fail(w, 400, "badRequest", "Specified snapshot "+text(body["snapshot_id"])+" is None or not the latest one of volume "+text(v["id"])+".")
				return
			}
			v["status"] = "reverting"
			w.Header().Set("Clinker-Flow", s.start("volume-revert", v, "revert volume "+v["name"].(string)).id)
		case "os-unmanage":
			v["status"] = "unmanaging"
			w.Header().Set("Clinker-Flow", s.start("volume-unmanage", v, "unmanage volume "+v["name"].(string)).id)
		}
	}
	w.WriteHeader(202)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
