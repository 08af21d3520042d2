package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/clinker-storage/clinker/internal/engine"
)

// servePprof answers Go's profiles on addr for as long as the process lives. They tell what is in memory, so only this
// machine may ask for them.
func servePprof(addr string, log *slog.Logger) error {
	if !engine.Loopback(addr) {
		return usageError{fmt.Errorf("--pprof-addr %s: profiles hold what is in memory; allowed are loopback addresses, such as 127.0.0.1:6060", addr)}
	}
	l, err := listen(addr, "--pprof-addr", "the profiler")
	if err != nil {
		return err
	}
	go serveProfiles(l, log)
	return nil
}

func serveProfiles(l net.Listener, log *slog.Logger) {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	log.Warn("profiler stopped", "error", srv.Serve(l))
}
