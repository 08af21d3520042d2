package clitest

import (
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
)

func (s *Server) listBackups(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, "backups", filtered(s.backups, r.URL.Query()))
}

// createBackup makes a backup, which asks for "force" of a volume in use and for a full one before an incremental one.
func (s *Server) createBackup(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	if b, ok := s.keys[key]; ok && key != "" {
		w.Header().Set("Clinker-Flow", s.flowOf(b["id"].(string)).id)
		answer(w, 202, object{"backup": b})
		return
	}
	asked := read(r)["backup"].(object)
	_, v := find(s.volumes, text(asked["volume_id"]))
	var parent object
	for _, b := range s.backups {
		if v != nil && b["volume_id"] == v["id"] && b["status"] == "available" {
			parent = b
		}
	}
	switch {
	case v == nil:
		missing(w, "Volume", text(asked["volume_id"]))
		return
	case v["status"] == "in-use" && asked["force"] != true:
		fail(w, 400, "badRequest", "Backing up an in-use volume must use the force flag: volume "+text(v["id"])+" is in-use")
		return
	case asked["incremental"] == true && parent == nil:
		fail(w, 400, "badRequest", "Invalid backup: No backups available to do an incremental backup.")
		return
	}
	b := s.newBackup(r, asked, v["id"], v["size"])
	b["snapshot_id"], b["is_incremental"] = asked["snapshot_id"], asked["incremental"] == true
	if b["is_incremental"] == true {
		b["clinker:parent_id"], parent["has_dependent_backups"] = parent["id"], true
	}
	if key != "" {
		s.keys[key] = b
	}
	w.Header().Set("Clinker-Flow", s.start("backup-create", b, "back volume "+text(v["name"])+" up as "+text(b["name"])).id)
	answer(w, 202, object{"backup": object{"id": b["id"], "name": b["name"], "volume_id": v["id"], "links": []object{}}})
}

func (s *Server) newBackup(r *http.Request, asked object, volume, size any) object {
	b := object{
		"id": s.id(), "name": text(asked["name"]), "description": asked["description"], "status": "creating", "size": size, "volume_id": volume,
		"snapshot_id": nil, "is_incremental": false, "has_dependent_backups": false, "container": "volumebackups", "availability_zone": nil,
		"object_count": 2, "fail_reason": nil, "created_at": created, "updated_at": nil, "data_timestamp": created, "metadata": object{},
		"os-backup-project-attr:project_id": r.PathValue("project"), "clinker:parent_id": nil, "clinker:stored_bytes": 1 << 20, "clinker:read_by": nil, "clinker:read_bytes": 1 << 30,
		"clinker:quiesced": asked["clinker:quiesce"] != nil, "clinker:verified_at": nil, "clinker:verify_error": nil, "links": []object{},
	}
	if metadata, ok := asked["metadata"].(object); ok {
		b["metadata"] = metadata
	}
	s.backups = append(s.backups, b)
	return b
}

func (s *Server) oneBackup(do func(w http.ResponseWriter, r *http.Request, b object)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, b := find(s.backups, r.PathValue("id"))
		if b == nil {
			missing(w, "Backup", r.PathValue("id"))
			return
		}
		do(w, r, b)
	}
}

func (s *Server) showBackup(w http.ResponseWriter, _ *http.Request, b object) {
	answer(w, 200, object{"backup": b})
}

func (s *Server) setBackup(w http.ResponseWriter, r *http.Request, b object) {
	maps.Copy(b, read(r)["backup"].(object))
	answer(w, 200, object{"backup": b})
}

// begin starts a flow on a backup and names it in the answer's header.
func (s *Server) begin(w http.ResponseWriter, operation string, b object) *flow {
	f := s.start(operation, b, strings.TrimPrefix(operation, "backup-")+" backup "+text(b["name"]))
	w.Header().Set("Clinker-Flow", f.id)
	return f
}

func (s *Server) deleteBackup(w http.ResponseWriter, _ *http.Request, b object) {
	switch {
	case b["status"] != "available" && b["status"] != "error":
		fail(w, 400, "badRequest", "Invalid backup: backup "+text(b["id"])+" is "+text(b["status"])+"; it must be one of [available error]")
		return
	case b["has_dependent_backups"] == true:
		fail(w, 400, "badRequest", "Invalid backup: Incremental backups exist for this backup.")
		return
	}
	b["status"] = "deleting"
	s.begin(w, "backup-delete", b)
	w.WriteHeader(202)
}

// backupAction gives up one that is being made at once, as the service does, with no flow.
func (s *Server) backupAction(w http.ResponseWriter, r *http.Request, b object) {
	for action, body := range read(r) {
		switch action {
		case "os-force_delete":
			f := s.flowOf(text(b["id"]))
			if f.state == "HELD" || f.state == "RUNNING" {
				f.state = "REVERTED"
				s.remove(f)
				break
			}
			s.begin(w, "backup-delete", b)
		case "os-reset_status":
			maps.Copy(b, body.(object))
		case "clinker:verify":
			s.begin(w, "backup-verify", b)
		}
	}
	w.WriteHeader(202)
}

func (s *Server) restoreBackup(w http.ResponseWriter, r *http.Request, b object) {
	asked := read(r)["restore"].(object)
	if b["status"] != "available" {
		fail(w, 400, "badRequest", "Invalid backup: backup "+text(b["id"])+" is "+text(b["status"])+"; it must be available to be restored")
		return
	}
	var v object
	if asked["volume_id"] == nil {
		name := text(asked["name"])
		if name == "" {
			name = "restore_backup_" + text(b["id"])
		}
		v = s.newVolume(r, object{"name": name}, b["size"].(int))
	} else if _, v = find(s.volumes, text(asked["volume_id"])); v == nil {
		missing(w, "Volume", text(asked["volume_id"]))
		return
	}
	if v["size"].(int) < b["size"].(int) {
		fail(w, 400, "badRequest", "Invalid volume: volume size is too small to restore backup.")
		return
	}
	b["status"], v["status"] = "restoring", "restoring-backup"
	s.begin(w, "backup-restore", b).volume = v
	answer(w, 202, object{"restore": object{"backup_id": b["id"], "volume_id": v["id"], "volume_name": v["name"]}})
}

// A record here is no more than the backup's name.
func (s *Server) exportBackup(w http.ResponseWriter, _ *http.Request, b object) {
	record := base64.StdEncoding.EncodeToString([]byte(text(b["name"])))
	answer(w, 200, object{"backup-record": object{"backup_service": "posix", "backup_url": record}})
}

func (s *Server) importBackup(w http.ResponseWriter, r *http.Request) {
	record := read(r)["backup-record"].(object)
	name, err := base64.StdEncoding.DecodeString(text(record["backup_url"]))
	if err != nil {
		fail(w, 400, "badRequest", "Invalid input received: Can't parse backup record: backup_url is not base64")
		return
	}
	b := s.newBackup(r, object{"name": string(name)}, "00000000-0000-4000-8000-999999999999", 1)
	s.begin(w, "backup-import", b)
	answer(w, 201, object{"backup": object{"id": b["id"], "name": b["name"], "links": []object{}}})
}
