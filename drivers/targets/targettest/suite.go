package targettest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

// Disk is what a host has that is logged in.
type Disk interface {
	io.ReaderAt
	io.WriterAt
	io.Closer // logs out
	// Size and Serial are what a host sees that looks anew; Serial is the disk's serial number, or an identity with it in.
	Size() (int64, error)
	Serial() (string, error)
}

// Options fit the suite to a target.
type Options struct {
	// Config has the addresses (two, for the tests of several portals), the port and whatever the target needs besides; the suite
	// puts in the folder and the logger.
	Config targets.Config
	// New makes a target; the targets of one subtest work on the same machine.
	New func(t *testing.T, cfg targets.Config) targets.Target
	// Login logs in by what Allow gave, through that portal. An error says that the target refused.
	Login func(t *testing.T, info targets.ConnectionInfo, initiator, portal string) (Disk, error)
	// Backing makes what is exported, of that size; nil makes a sparse file. Grow makes it larger; nil truncates.
	Backing func(t *testing.T, size int64) (path string)
	Grow    func(t *testing.T, path string, size int64)
	// Reboot has the machine lose everything, as a reboot of the node does or a restart of the daemon.
	Reboot func(t *testing.T)
	// Many is how many exports are made at once; 0 is 20.
	Many int
}

const (
	size = 8 << 20
	// initiators of two hosts
	hostA = "iqn.1994-05.com.example:host-a"
	hostB = "iqn.1994-05.com.example:host-b"
)

// suite is one subtest's target and helpers.
type suite struct {
	*testing.T
	*require.Assertions
	t    targets.Target
	cfg  targets.Config
	opts Options
	log  *logBook
	argv *argvWatch
}

// Run runs the suite.
func Run(t *testing.T, opts Options) {
	opts.Many = cmp.Or(opts.Many, 20)
	if opts.Backing == nil {
		opts.Backing = sparse
	}
	if opts.Grow == nil {
		opts.Grow = func(t *testing.T, path string, size int64) { require.NoError(t, os.Truncate(path, size)) }
	}
	for _, test := range []struct {
		name string
		run  func(suite)
	}{
		{"Check", suite.check},
		{"Ensure", suite.ensure},
		{"EnsureRefuses", suite.ensureRefuses},
		{"HostileNames", suite.hostileNames},
		{"Remove", suite.remove},
		{"Absent", suite.absent},
		{"ConnectionInfo", suite.connectionInfo},
		{"Data", suite.data},
		{"Readonly", suite.readonly},
		{"Refused", suite.refused},
		{"UpperCase", suite.upperCase},
		{"Portals", suite.portals},
		{"Deny", suite.deny},
		{"DenyEndsWrites", suite.denyEndsWrites},
		{"DenyEveryone", suite.denyEveryone},
		{"RemoveEndsSessions", suite.removeEndsSessions},
		{"Grow", suite.grow},
		{"Identity", suite.identity},
		{"Exports", suite.exports},
		{"Restore", suite.restore},
		{"RestoreOneMissing", suite.restoreOneMissing},
		{"RecordsLost", suite.recordsLost},
		{"Secrets", suite.secrets},
		{"Concurrently", suite.concurrently},
		{"OneExportConcurrently", suite.oneConcurrently},
		{"CutOff", suite.cutOff},
		{"CutOffRemove", suite.cutOffRemove},
		{"Cancelled", suite.cancelled},
		{"Close", suite.closeTwice},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := suite{T: t, Assertions: require.New(t), opts: opts, log: &logBook{}}
			s.cfg = opts.Config
			s.cfg.StateDir = filepath.Join(t.TempDir(), "exports", "lvm")
			s.cfg.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			s.t = opts.New(t, s.cfg)
			t.Cleanup(s.clean)
			s.argv = watchArgv()
			t.Cleanup(func() { s.hush() })
			test.run(s)
		})
	}
}

// clean removes what a test left exported, also one that failed.
func (s suite) clean() {
	for e, err := range s.t.Exports(context.Background()) {
		if err != nil {
			s.T.Errorf("listing what is left: %v", err)
			break
		}
		if strings.HasPrefix(e.Name, "volume-") {
			if err := s.t.Remove(context.Background(), targets.Export{VolumeID: e.VolumeID, Name: e.Name}); err != nil {
				s.T.Errorf("removing what is left: %v", err)
			}
		}
	}
	s.t.Close()
}

// hush wants no secret in the logs, nor in any process's arguments.
func (s suite) hush() {
	secrets := s.recordedSecrets()
	for _, secret := range append(secrets, s.argv.secrets()...) {
		if strings.Contains(s.log.String(), secret) {
			s.T.Errorf("the log has a CHAP secret in it")
		}
	}
	if seen := s.argv.stop(); seen != "" {
		s.T.Errorf("the arguments of a process had a CHAP secret in them: %s", seen)
	}
}

// recordedSecrets are those that the records have now.
func (s suite) recordedSecrets() (secrets []string) {
	files, _ := filepath.Glob(filepath.Join(s.cfg.StateDir, "*.json"))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		if _, rest, ok := strings.Cut(string(text), `"chap_secret": "`); ok {
			secret, _, _ := strings.Cut(rest, `"`)
			secrets = append(secrets, secret)
		}
	}
	return secrets
}

// NewExport names an export as the catalogue names volumes.
func NewExport(path string) targets.Export {
	id := uuid.NewString()
	return targets.Export{VolumeID: id, Name: "volume-" + id, Path: path, Size: size}
}

func sparse(t *testing.T, size int64) string {
	path := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, errors.Join(f.Truncate(size), f.Close()))
	return path
}

func (s suite) export() targets.Export {
	s.Helper()
	return NewExport(s.opts.Backing(s.T, size))
}

func (s suite) ensured() targets.Export {
	s.Helper()
	e := s.export()
	_, err := s.t.Ensure(s.ctx(), e)
	s.NoError(err)
	return e
}

func (s suite) ctx() context.Context { return s.T.Context() }

func connector(initiator string) targets.Connector {
	return targets.Connector{Host: "compute-1", IP: "192.0.2.7", Initiator: initiator}
}

func (s suite) allow(e targets.Export, initiator string) targets.ConnectionInfo {
	s.Helper()
	info, err := s.t.Allow(s.ctx(), e, connector(initiator))
	s.NoError(err)
	if secret, ok := info.Data["auth_password"].(string); ok {
		s.argv.add(secret)
	}
	return info
}

// login must succeed.
func (s suite) login(info targets.ConnectionInfo, initiator string) Disk {
	s.Helper()
	disk, err := s.opts.Login(s.T, info, initiator, portal(info))
	s.NoError(err)
	s.Cleanup(func() { disk.Close() })
	return disk
}

// shut wants a login to be refused.
func (s suite) shut(info targets.ConnectionInfo, initiator, why string) {
	s.Helper()
	disk, err := s.opts.Login(s.T, info, initiator, portal(info))
	if err == nil {
		disk.Close()
	}
	s.Error(err, why)
}

func portal(info targets.ConnectionInfo) string {
	p, _ := info.Data["target_portal"].(string)
	return p
}

// changed is info with one value replaced.
func changed(info targets.ConnectionInfo, key string, value any) targets.ConnectionInfo {
	info.Data = maps.Clone(info.Data)
	info.Data[key] = value
	return info
}

func noise(n int) []byte {
	p := make([]byte, n)
	rand.Read(p)
	return p
}

// fails wants an error of the drivers' type that wraps the sentinel.
func (s suite) fails(err, sentinel error) {
	s.Helper()
	s.ErrorIs(err, sentinel)
	var e *drivers.Error
	s.True(errors.As(err, &e), "%v is no *drivers.Error", err)
	s.NotEmpty(e.Op)
	s.NotEmpty(e.Driver)
}

// listed finds an export in the list.
func (s suite) listed(name string) (targets.Exported, bool) {
	s.Helper()
	for e, err := range s.t.Exports(s.ctx()) {
		s.NoError(err)
		if e.Name == name {
			return e, true
		}
	}
	return targets.Exported{}, false
}

// gone wants nothing to be left of an export.
func (s suite) gone(e targets.Export) {
	s.Helper()
	_, there := s.listed(e.Name)
	s.False(there, "it is listed still")
	files, err := filepath.Glob(filepath.Join(s.cfg.StateDir, e.Name+"*"))
	s.NoError(err)
	s.Empty(files)
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// logBook keeps what was logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
