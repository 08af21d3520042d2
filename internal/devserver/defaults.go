//go:build !noembed

package devserver

import (
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
)

func (o Options) withDefaults() (Options, error) {
	if o.FrontendAddr == "" {
		o.FrontendAddr = DefaultFrontendAddr
	}
	var err error
	if o.FrontendAddr, err = ipAddr(o.FrontendAddr); err != nil {
		return o, fmt.Errorf("temporal address: %w", err)
	}
	if o.UIAddr != "" {
		if o.UIAddr, err = ipAddr(o.UIAddr); err != nil {
			return o, fmt.Errorf("temporal Web UI address: %w", err)
		}
	}
	if o.Postgres == nil && o.StateDir == "" {
		return o, fmt.Errorf("temporal needs a state folder or PostgreSQL")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.LogLevel == nil {
		o.LogLevel = slog.LevelWarn
	}
	if o.Postgres != nil {
		pg := o.Postgres.withDefaults()
		o.Postgres = &pg
	}
	return o, nil
}

func (p PostgresOptions) withDefaults() PostgresOptions {
	if p.Port == 0 {
		p.Port = 5432
	}
	if p.Database == "" {
		p.Database = "temporal"
	}
	if p.VisibilityDatabase == "" {
		p.VisibilityDatabase = "temporal_visibility"
	}
	if p.MaxConns == 0 {
		p.MaxConns = 8
	}
	return p
}

// ipAddr checks host:port and makes localhost an IP, since the server binds to
// IPs only.
func ipAddr(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("%q is not host:port", addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("%q has no port between 0 and 65535", addr)
	}
	switch {
	case host == "localhost":
		host = "127.0.0.1"
	case net.ParseIP(host) == nil:
		return "", fmt.Errorf("%q must start with an IP address or localhost", addr)
	}
	return net.JoinHostPort(host, port), nil
}

func databaseFile(stateDir string) string { return filepath.Join(stateDir, "temporal.db") }

func visibilityFile(stateDir string) string { return filepath.Join(stateDir, "temporal-visibility.db") }
