// Package loadtest is as much of a Block Storage API as the load generator uses, in memory.
package loadtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clinker-storage/clinker/tests/perf/load"
)

// Project is the one that the server knows.
const Project = "p1"

// Server keeps volumes. What is made or deleted takes Delay to end.
type Server struct {
	URL    string // for load.Client.Base
	Delay  time.Duration
	Refuse int // this many requests to make volumes are answered 503
	Lists  int // answered so far

	mu      sync.Mutex
	volumes []volume // oldest first
	next    int
}

type volume struct {
	load.Volume
	ends time.Time // of creating or deleting
}

// New starts a server that is closed at the end of the test.
func New(t testing.TB) *Server {
	s := &Server{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/p1/volumes", s.create)
	mux.HandleFunc("GET /v3/p1/volumes", s.list)
	mux.HandleFunc("GET /v3/p1/volumes/detail", s.list)
	mux.HandleFunc("GET /v3/p1/volumes/{id}", s.show)
	mux.HandleFunc("DELETE /v3/p1/volumes/{id}", s.remove)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	s.URL = srv.URL + "/v3"
	return s
}

// Put adds a volume in a status that doesn't end by itself.
func (s *Server) Put(name, status string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(name, status, time.Now().Add(time.Hour))
}

func (s *Server) add(name, status string, ends time.Time) string {
	s.next++
	id := fmt.Sprintf("id-%d", s.next)
	s.volumes = append(s.volumes, volume{load.Volume{ID: id, Name: name, Status: status}, ends})
	return id
}

// settle ends what has taken its time; the caller holds the lock.
func (s *Server) settle() {
	s.volumes = slices.DeleteFunc(s.volumes, func(v volume) bool { return v.Status == "deleting" && time.Now().After(v.ends) })
	for i := range s.volumes {
		if v := &s.volumes[i]; v.Status == "creating" && time.Now().After(v.ends) {
			v.Status = "available"
		}
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var body struct{ Volume load.Volume }
	err := json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil || r.Header.Get("X-Auth-Token") == "":
		http.Error(w, "bad request", http.StatusBadRequest)
	case s.Refuse > 0:
		s.Refuse--
		http.Error(w, "come again", http.StatusServiceUnavailable)
	default:
		id := s.add(body.Volume.Name, "creating", time.Now().Add(s.Delay))
		answer(w, http.StatusAccepted, map[string]any{"volume": map[string]string{"id": id, "status": "creating"}})
	}
}

func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	for _, v := range s.volumes {
		if v.ID == r.PathValue("id") {
			answer(w, http.StatusOK, map[string]any{"volume": v.Volume})
			return
		}
	}
	http.Error(w, "no such volume", http.StatusNotFound)
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.volumes {
		if v := &s.volumes[i]; v.ID == r.PathValue("id") {
			v.Status, v.ends = "deleting", time.Now().Add(s.Delay)
			w.WriteHeader(http.StatusAccepted)
			return
		}
	}
	http.Error(w, "no such volume", http.StatusNotFound)
}

// list pages by marker, newest first unless sorted by created_at:asc.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	s.Lists++
	all := slices.Clone(s.volumes)
	q := r.URL.Query()
	if q.Get("sort") != "created_at:asc" {
		slices.Reverse(all)
	}
	if m := q.Get("marker"); m != "" {
		all = all[slices.IndexFunc(all, func(v volume) bool { return v.ID == m })+1:]
	}
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil {
		limit = 1000
	}
	page := []load.Volume{}
	for _, v := range all {
		if len(page) < limit && (q.Get("status") == "" || v.Status == q.Get("status")) {
			if !strings.HasSuffix(r.URL.Path, "/detail") {
				v.Status = ""
			}
			page = append(page, v.Volume)
		}
	}
	answer(w, http.StatusOK, map[string]any{"volumes": page})
}

func answer(w http.ResponseWriter, code int, body any) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
