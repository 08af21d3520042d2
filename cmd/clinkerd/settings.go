package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clinker-storage/clinker/internal/config"
)

// settings are the flags that every role has.
type settings struct {
	configFile string
	logLevel   string
	logFormat  string
	pprofAddr  string
}

func (s *settings) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.configFile, "config-file", os.Getenv("CLINKER_CONFIG_FILE"), "configuration in Cinder's INI form; without one, embedded defaults hold")
	f.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&s.logFormat, "log-format", "text", "text or json")
	f.StringVar(&s.pprofAddr, "pprof-addr", "", "loopback address for Go's profiles (/debug/pprof/); none by default")
}

// load reads the configuration; overrides are "CLINKER_NAME=value", flags' values that win over file and environment.
func (s *settings) load(overrides ...string) (*config.Config, *slog.Logger, error) {
	cfg, err := config.Load(s.configFile, append(os.Environ(), overrides...))
	if err != nil {
		return nil, nil, err
	}
	log, err := s.logger(cfg, os.Stderr)
	if err != nil {
		return nil, nil, err
	}
	slog.SetDefault(log)
	warnOfModes(s.configFile, cfg.StatePath, log)
	if s.pprofAddr != "" {
		err = servePprof(s.pprofAddr, log)
	}
	return cfg, log, err
}

func (s *settings) logger(cfg *config.Config, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %s: allowed are debug, info, warn and error", s.logLevel)}
	}
	if cfg.Log.Debug {
		level = slog.LevelDebug
	}
	opts := &slog.HandlerOptions{Level: level}
	switch {
	case s.logFormat == "json" || cfg.Log.JSON:
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	case s.logFormat == "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	}
	return nil, usageError{fmt.Errorf("--log-format %s: allowed are text and json", s.logFormat)}
}

// listen takes an address, and names the flag that changes it when it is taken.
func listen(addr, flag, what string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		reason := err.Error()
		if i := strings.LastIndex(reason, ": "); i >= 0 {
			reason = reason[i+2:]
		}
		return nil, fmt.Errorf("%s can't listen on %s (%s); choose another address with %s", what, addr, reason, flag)
	}
	return l, nil
}
