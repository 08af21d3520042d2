package api

import (
	"log/slog"
	"net/http"
	"time"
)

// Bounds of a connection: a client that sends a byte a minute, or asks for nothing any more, holds it no longer than this.
const (
	headerTime = 10 * time.Second // for the headers of a request
	readTime   = time.Minute      // for the whole request
	writeTime  = 90 * time.Second // from the end of the headers to the end of the answer: longer than an attach waits for its node
	idleTime   = 2 * time.Minute  // between requests
	maxHeaders = 64 << 10         // bytes
)

// NewServer is the HTTP server that handler is served by.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeaders, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
