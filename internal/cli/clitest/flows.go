package clitest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// flow moves on one step with each look. What comes of it is told by the name of what it works on: "held..." meets a full backend
// in CreateVolume and a full store in BackupChunks, "broken..." is refused by all pools and found damaged, "slow..." never ends, all
// others succeed.
type flow struct {
	id, operation, summary string
	thing                  object // the volume, snapshot or backup it works on
	volume                 object // that a backup is restored over
	tasks                  []string
	at                     int // index of the task that runs; len(tasks) at the end
	attempt                int // of that task
	state                  string
	mended                 bool // a retry after the cause is gone
	changed                int  // looks since the start
}

var chain = map[string][]string{
	"volume-create": {"ExtractVolumeRequest", "QuotaReserve", "EntryCreate", "QuotaCommit", "VolumeCast", "CreateVolume", "EntryReady"},
	"volume-delete": {"ExtractDeleteRequest", "DeleteVolume", "EntryRemove"},
	"volume-extend": {"ExtractExtendRequest", "QuotaReserve", "ExtendVolume", "EntryReady"},
	"volume-revert": {"RevertVolume", "EntryReverted"},

	"snapshot-create": {"ExtractSnapshotRequest", "QuotaReserve", "CreateSnapshot", "EntryReady"},
	"snapshot-delete": {"DeleteSnapshot", "EntryDestroy"},

	"backup-create": {"BackupCast", "BackupChunks", "EntryReady"}, "backup-restore": {"RestoreCast", "RestoreChunks", "EntryRestored"},
	"backup-delete": {"DeleteBackupData", "EntryDestroy"}, "backup-verify": {"BackupCast", "VerifyBackup", "EntryVerified"},
	"backup-import": {"ReadBackupRecord", "EntryReady"},
	"schedule-run":  {"ExtractScheduleRequest", "backup-create", "PlanRetention", "EntryScheduled"},

	"volume-manage": {"AdoptVolume", "EntryReady"}, "volume-unmanage": {"ReleaseVolume", "EntryDestroy"},
	"snapshot-manage": {"AdoptSnapshot", "EntryReady"}, "snapshot-unmanage": {"ReleaseSnapshot", "EntryDestroy"},
}

func (s *Server) start(operation string, thing object, summary string) *flow {
	f := &flow{
		operation: operation, summary: summary, thing: thing, tasks: chain[operation], state: "RUNNING", attempt: 1,
		id: operation + ":" + thing["id"].(string) + ":" + s.id(),
	}
	s.flows = append([]*flow{f}, s.flows...)
	return f
}

func (s *Server) flowOf(id string) *flow {
	for _, f := range s.flows {
		if f.thing["id"] == id {
			return f
		}
	}
	return &flow{}
}

// step does what a worker does between two looks.
func (s *Server) step(f *flow) {
	if f.state != "RUNNING" {
		return
	}
	f.changed++
	name := f.thing["name"].(string)
	switch task := f.tasks[f.at]; {
	case task == "CreateVolume" && strings.HasPrefix(name, "slow"):
		return
	case (task == "RestoreChunks" || task == "VerifyBackup") && strings.HasPrefix(name, "broken"):
		f.state = "FAILURE"
		if f.volume != nil {
			f.thing["status"], f.volume["status"] = "available", "error_restoring"
		}
		return
	case (task == "CreateVolume" || task == "BackupChunks") && strings.HasPrefix(name, "held") && !f.mended:
		f.attempt++
		if f.attempt > 2 {
			f.attempt = 2
			f.state = "HELD"
			f.thing["status"] = "error"
		}
		return
	case task == "VolumeCast" && strings.HasPrefix(name, "broken"):
		f.state = "FAILURE"
		f.thing["status"] = "error"
		s.messages = append(s.messages, object{
			"id": s.id(), "resource_type": "VOLUME", "resource_uuid": f.thing["id"], "event_id": "VOLUME_VOLUME_001_003",
			"user_message":  "schedule allocate volume: no pool has room: node1@dir#dir has 3 GiB free",
			"message_level": "ERROR", "created_at": created, "request_id": "req-0000",
		})
		return
	}
	f.at++
	if f.at < len(f.tasks) {
		f.attempt = 1
		return
	}
	f.state = "SUCCESS"
	f.thing["status"] = "available"
	if f.volume != nil {
		f.volume["status"] = "available"
	}
	if strings.HasSuffix(f.operation, "-delete") || strings.HasSuffix(f.operation, "-unmanage") {
		s.remove(f)
	}
}

// remove takes away what a flow has deleted, a volume with its snapshots.
func (s *Server) remove(f *flow) {
	id := f.thing["id"]
	s.volumes = slices.DeleteFunc(s.volumes, func(v object) bool { return v["id"] == id })
	s.backups = slices.DeleteFunc(s.backups, func(b object) bool { return b["id"] == id })
	s.snapshots = slices.DeleteFunc(s.snapshots, func(n object) bool { return n["id"] == id || n["volume_id"] == id })
}

func (f *flow) kind() string {
	kind, _, _ := strings.Cut(f.operation, "-")
	return kind
}

func (f *flow) view() object {
	v := object{
		"id": f.id, "operation": f.operation, "resource_kind": f.kind(), "resource_id": f.thing["id"], "project_id": Project,
		"request_id": "req-0000", "state": f.state, "summary": f.summary, "failed_task": nil, "error": nil, "hint": nil,
		"backend": "node1@dir", "created_at": created, "updated_at": clock(f.changed), "finished_at": nil,
	}
	tasks := make([]object, len(f.tasks))
	for i, name := range f.tasks {
		t := object{"name": name, "state": "PENDING", "attempt": 0, "started_at": nil, "finished_at": nil, "error": nil, "hint": nil}
		if i < f.at {
			t["state"], t["attempt"], t["started_at"], t["finished_at"] = "SUCCESS", 1, clock(i), clock(i+3)
		}
		if i == f.at {
			f.current(v, t)
		}
		tasks[i] = t
	}
	if f.state != "RUNNING" && f.state != "HELD" {
		v["finished_at"] = clock(f.changed)
	}
	v["tasks"] = tasks
	return v
}

// troubles are what tasks meet that don't go well.
var troubles = map[string]struct{ err, hint string }{
	"CreateVolume":  {"no space on node1@dir#dir", "free space below the backend's folder"},
	"VolumeCast":    {"no pool fits: node1@dir#dir has 3 GiB free", "ask for a smaller volume"},
	"BackupChunks":  {"no space in the backup store", "make room in the store, then retry"},
	"RestoreChunks": {"pack-0001-00000000 is damaged at 4096", "restore another backup of the volume"},
	"VerifyBackup":  {"1 places are damaged; the first: pack-0001-00000000 at 4096", "make a full backup of the volume as soon as you can"},
}

// moves tells whether a task moves bytes, and so shows how far it is.
func moves(task string) bool {
	return task == "BackupChunks" || task == "RestoreChunks" || task == "VerifyBackup"
}

// current fills in the task that runs, or that the flow ended or is held in.
func (f *flow) current(v, t object) {
	t["state"], t["attempt"], t["started_at"] = "RUNNING", f.attempt, clock(f.at)
	trouble := troubles[text(t["name"])]
	if f.attempt > 1 {
		t["error"] = trouble.err
	}
	if total := 10 << 30; moves(text(t["name"])) && f.state == "RUNNING" {
		t["progress"] = object{"percent": 42, "bytes_done": total / 100 * 42, "bytes_total": total, "bytes_per_second": 512 << 20}
	}
	switch f.state {
	case "HELD":
		t["state"] = "FAILURE"
		t["hint"] = trouble.hint
	case "FAILURE":
		t["state"], t["error"], t["hint"] = "FAILURE", trouble.err, trouble.hint
	case "REVERTED":
		t["state"] = "REVERTED"
	default:
		return
	}
	v["failed_task"], v["error"], v["hint"] = t["name"], t["error"], t["hint"]
}

// clock is a time some milliseconds after the beginning.
func clock(ms int) string {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return start.Add(time.Duration(ms) * time.Millisecond).Format("2006-01-02T15:04:05.000000")
}

func (s *Server) listFlows(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var found []object
	for _, f := range s.flows {
		v := f.view()
		keep := true
		for key, field := range map[string]string{"resource_id": "resource_id", "state": "state", "operation": "operation"} {
			keep = keep && (q.Get(key) == "" || v[field] == q.Get(key))
		}
		if keep {
			found = append(found, v)
		}
	}
	s.page(w, r, "flows", found)
}

func (s *Server) oneFlow(w http.ResponseWriter, r *http.Request) *flow {
	for _, f := range s.flows {
		if f.id == r.PathValue("id") {
			return f
		}
	}
	missing(w, "Flow", r.PathValue("id"))
	return nil
}

func (s *Server) showFlow(w http.ResponseWriter, r *http.Request) {
	if f := s.oneFlow(w, r); f != nil {
		s.step(f)
		answer(w, 200, object{"flow": f.view()})
	}
}

// flowAction answers a hold, but does so only at the next look: until then the flow still looks held.
func (s *Server) flowAction(w http.ResponseWriter, r *http.Request) {
	f := s.oneFlow(w, r)
	if f == nil {
		return
	}
	if f.state != "HELD" {
		fail(w, 409, "conflictingRequest", "flow "+f.id+" is "+f.state+"; only a HELD flow can be resolved")
		return
	}
	for action := range read(r) {
		switch action {
		case "retry":
			f.mended, f.state, f.thing["status"] = true, "RUNNING", "creating"
		case "skip":
			f.at++
			f.state, f.thing["status"] = "RUNNING", "creating"
		case "abort":
			f.state = "REVERTED"
			f.changed++
		}
	}
	w.WriteHeader(202)
}
