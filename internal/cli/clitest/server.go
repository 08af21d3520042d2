package clitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

type object = map[string]any

// Project is the project that scripts work in.
const Project = "11111111111111111111111111111111"

// Server is the service. Its methods may be called while it runs.
type Server struct {
	*httptest.Server
	mu        sync.Mutex
	next      int // number of the next id
	max       string
	faults    []string
	keys      map[string]object // what was made, by Idempotency-Key
	volumes   []object
	snapshots []object
	types     []object
	access    map[string][]string
	quotas    map[string]object
	services  []object
	messages  []object
	flows     []*flow
	posts     int
	languages []string

	attachments []object
	backups     []object
	schedules   []object
	checks      []object
	mended      bool
}

// New starts a service with one backend and no volumes.
func New() *Server {
	s := &Server{
		max: "3.71", keys: map[string]object{}, access: map[string][]string{}, quotas: map[string]object{},
		services: []object{service("cinder-scheduler", "node1"), service("cinder-volume", "node1@dir")},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.versions)
	for pattern, handle := range s.routes() {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /v3/{project}"+path, handle)
	}
	s.Server = httptest.NewServer(s.guard(mux))
	return s
}

func (s *Server) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /volumes": s.listVolumes, "GET /volumes/detail": s.listVolumes, "GET /volumes/summary": s.summary,
		"POST /volumes": s.createVolume, "GET /volumes/{id}": s.showVolume, "PUT /volumes/{id}": s.setVolume,
		"DELETE /volumes/{id}": s.deleteVolume, "POST /volumes/{id}/metadata": s.addMetadata,
		"DELETE /volumes/{id}/metadata/{key}": s.removeMetadata, "POST /volumes/{id}/action": s.volumeAction,
		"GET /snapshots": s.listSnapshots, "GET /snapshots/detail": s.listSnapshots, "POST /snapshots": s.createSnapshot,
		"GET /snapshots/{id}": s.showSnapshot, "PUT /snapshots/{id}": s.setSnapshot, "DELETE /snapshots/{id}": s.deleteSnapshot,
		"POST /snapshots/{id}/metadata": s.addSnapshotMetadata, "DELETE /snapshots/{id}/metadata/{key}": s.removeSnapshotMetadata,
		"POST /snapshots/{id}/action":      s.snapshotAction,
		"GET /manageable_volumes/detail":   s.manageable("manageable-volumes"),
		"GET /manageable_snapshots/detail": s.manageable("manageable-snapshots"),
		"POST /manageable_volumes":         s.manageVolume, "POST /manageable_snapshots": s.manageSnapshot,
		"GET /attachments/detail": s.listAttachments, "POST /attachments": s.createAttachment,
		"GET /attachments/{id}": s.oneAttachment(s.showAttachment), "PUT /attachments/{id}": s.oneAttachment(s.updateAttachment),
		"DELETE /attachments/{id}": s.oneAttachment(s.deleteAttachment), "POST /attachments/{id}/action": s.oneAttachment(s.completeAttachment),
		"POST /attachment-checks": s.createCheck, "GET /attachment-checks/{id}": s.oneCheck, "GET /attachment-checks/{id}/differences": s.listDifferences,
		"GET /backups": s.listBackups, "GET /backups/detail": s.listBackups, "POST /backups": s.createBackup,
		"GET /backups/{id}": s.oneBackup(s.showBackup), "PUT /backups/{id}": s.oneBackup(s.setBackup),
		"DELETE /backups/{id}": s.oneBackup(s.deleteBackup), "POST /backups/{id}/action": s.oneBackup(s.backupAction),
		"POST /backups/{id}/restore": s.oneBackup(s.restoreBackup), "GET /backups/{id}/export_record": s.oneBackup(s.exportBackup),
		"POST /backups/import_record": s.importBackup,
		"GET /backup-schedules":       s.listSchedules, "POST /backup-schedules": s.createSchedule, "GET /backup-schedules/{id}": s.oneSchedule,
		"PUT /backup-schedules/{id}": s.oneSchedule, "DELETE /backup-schedules/{id}": s.oneSchedule, "POST /backup-schedules/{id}/action": s.oneSchedule,
		"GET /types": s.listTypes, "POST /types": s.createType, "GET /types/{id}": s.showType, "PUT /types/{id}": s.setType,
		"DELETE /types/{id}": s.deleteType, "POST /types/{id}/extra_specs": s.addSpecs,
		"DELETE /types/{id}/extra_specs/{key}": s.removeSpec, "POST /types/{id}/action": s.typeAction,
		"GET /types/{id}/os-volume-type-access": s.typeAccess,
		"GET /os-quota-sets/{name}":             s.showQuota("quota_set"), "PUT /os-quota-sets/{name}": s.setQuota("quota_set"),
		"GET /os-quota-sets/{name}/defaults": s.showQuota("quota_set"), "DELETE /os-quota-sets/{name}": s.deleteQuota,
		"GET /os-quota-class-sets/{name}": s.showQuota("quota_class_set"), "PUT /os-quota-class-sets/{name}": s.setQuota("quota_class_set"),
		"GET /os-services": s.listServices, "PUT /os-services/{how}": s.switchService,
		"GET /scheduler-stats/get_pools": s.pools, "GET /os-availability-zone": s.zones, "GET /limits": s.limits,
		"GET /messages": s.listMessages, "GET /messages/{id}": s.showMessage, "DELETE /messages/{id}": s.deleteMessage,
		"GET /flows": s.listFlows, "GET /flows/{id}": s.showFlow, "POST /flows/{id}/action": s.flowAction,
	}
}

// SetMax makes the service one that speaks no newer API.
func (s *Server) SetMax(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.max = version
}

// Fault spoils coming requests, one each: "cut" carries it out and cuts the connection, "drop" cuts it before, "busy"
// answers 503 with Retry-After.
func (s *Server) Fault(kinds ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, kinds...)
}

// Posts is how many requests to create a volume have come.
func (s *Server) Posts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts
}

// Versions are the microversions that requests have asked for, in their order.
func (s *Server) Versions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.languages...)
}

// guard does what comes before every request: faults, authentication, the microversion. One request at a time runs.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Header().Set("X-Openstack-Request-Id", "req-0000")
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/volumes") {
			s.posts++
		}
		switch s.fault() {
		case "drop":
			panic(http.ErrAbortHandler)
		case "cut":
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case "busy":
			w.Header().Set("Retry-After", "0")
			fail(w, 503, "serviceUnavailable", "the engine is not available")
			return
		}
		if r.URL.Path == "/" {
			next.ServeHTTP(w, r)
			return
		}
		asked := strings.TrimPrefix(r.Header.Get("OpenStack-API-Version"), "volume ")
		s.languages = append(s.languages, asked)
		switch {
		case minor(asked) > minor(s.max):
			fail(w, 406, "computeFault", "Version "+asked+" is not supported by the API. Minimum is 3.0 and maximum is "+s.max+".")
		case !strings.Contains(r.Header.Get("X-Auth-Token"), ":"):
			fail(w, 401, "unauthorized", "This server could not verify that you are authorized to access the document you requested.")
		case strings.HasPrefix(r.Header.Get("X-Auth-Token"), "reader:") && (r.Method != "GET" || strings.Contains(r.URL.Path, "/scheduler-stats")):
			fail(w, 403, "forbidden", "Policy doesn't allow this to be performed.")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) fault() string {
	if len(s.faults) == 0 {
		return ""
	}
	kind := s.faults[0]
	s.faults = s.faults[1:]
	return kind
}

func (s *Server) versions(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusMultipleChoices, object{"versions": []object{{
		"id": "v3.0", "status": "CURRENT", "version": s.max, "min_version": "3.0",
	}}})
}

// id makes the next UUID.
func (s *Server) id() string {
	s.next++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", s.next)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func fail(w http.ResponseWriter, status int, name, message string) {
	answer(w, status, object{name: object{"code": status, "message": message}})
}

func missing(w http.ResponseWriter, kind, id string) {
	fail(w, 404, "itemNotFound", kind+" "+id+" could not be found.")
}

// read decodes a request's body; what is no JSON object reads as an empty one.
func read(r *http.Request) object {
	var body object
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	_ = dec.Decode(&body)
	return body
}

func minor(version string) int {
	_, text, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(text)
	return n
}

// find returns the object of a list with this id.
func find(list []object, id string) (int, object) {
	for i, o := range list {
		if o["id"] == id {
			return i, o
		}
	}
	return -1, nil
}
