package iscsi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/connectors/connectortest"
	"github.com/clinker-storage/clinker/drivers/connectors/iscsi"
	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/drivers/targets/lio"
	"github.com/clinker-storage/clinker/models"
)

func initiator(t *testing.T) string {
	text, err := os.ReadFile("/etc/iscsi/initiatorname.iscsi")
	require.NoError(t, err)
	_, name, ok := strings.Cut(strings.TrimSpace(string(text)), "InitiatorName=")
	require.True(t, ok)
	return name
}

// exporter exports files from this node, to itself.
func exporter(t *testing.T, dir string, addresses ...string) targets.Target {
	cfg := targets.Config{Backend: "lvm", Helper: lio.Name, StateDir: dir}
	for _, a := range addresses {
		cfg.Addresses = append(cfg.Addresses, netip.MustParseAddr(a))
	}
	target, err := targets.Registry{lio.Name: lio.Factory}.Open(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, target.Check(t.Context()))
	return target
}

type exported struct {
	connectortest.Volume
	targets.Target
	targets.Export
}

func export(t *testing.T, target targets.Target) exported {
	id := uuid.NewString()
	e := targets.Export{VolumeID: id, Name: "volume-" + id, Path: filepath.Join(t.TempDir(), "disk"), Size: connectortest.Size}
	require.NoError(t, os.WriteFile(e.Path, nil, 0o600))
	require.NoError(t, os.Truncate(e.Path, int64(e.Size)))
	_, err := target.Ensure(t.Context(), e)
	require.NoError(t, err)
	t.Cleanup(func() { target.Remove(t.Context(), e) })
	info, err := target.Allow(t.Context(), e, models.Connector{Initiator: initiator(t)})
	require.NoError(t, err)
	return exported{Target: target, Export: e, Volume: connectortest.Volume{
		Info: info,
		Read: func(off int64, n int) []byte { return connectortest.ReadFile(t, e.Path, off, n) },
		Grow: func(size connectors.Bytes) {
			require.NoError(t, os.Truncate(e.Path, int64(size)))
			require.NoError(t, target.Resize(t.Context(), e, size))
		},
	}}
}

func connector(t *testing.T, log io.Writer) *iscsi.Connector {
	c, err := iscsi.New(iscsi.Options{
		StateDir: "/var/lib/clinker-test", Machine: connectors.Machine("compute-1", "127.0.0.1"),
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	return c
}

// left is what there is of sessions, records, and half-made files.
func left(t *testing.T) (found []string) {
	for _, pattern := range []string{"/sys/class/iscsi_session/session*", "/etc/iscsi/nodes/*/*", "/etc/iscsi/.clinker*", "/sys/block/sd*"} {
		f, err := filepath.Glob(pattern)
		require.NoError(t, err)
		found = append(found, f...)
	}
	return found
}

func TestInsideConformance(t *testing.T) {
	target := exporter(t, t.TempDir(), "127.0.0.1")
	connectortest.Run(t, connectortest.Options{
		New:    func(t *testing.T) connectors.Connector { return connector(t, t.Output()) },
		Volume: func(t *testing.T) connectortest.Volume { return export(t, target).Volume },
		Left:   left,
	})
}

func TestInsideWrongPassword(t *testing.T) {
	v := export(t, exporter(t, t.TempDir(), "127.0.0.1"))
	v.Info.Data["auth_password"] = "wrongwrongwrong"
	c := connector(t, t.Output())
	begun := time.Now()
	_, err := c.Connect(t.Context(), v.Info)
	require.ErrorIs(t, err, drivers.ErrInvalid)
	require.ErrorContains(t, err, "refuses the login")
	require.NotContains(t, err.Error()+drivers.Hint(err), "wrongwrongwrong")
	require.Less(t, time.Since(begun), 10*time.Second, "a refusal is final")
	require.Empty(t, left(t))
}

// TestInsideOtherVolume: a disk that isn't the volume is never handed on.
func TestInsideOtherVolume(t *testing.T) {
	v := export(t, exporter(t, t.TempDir(), "127.0.0.1"))
	v.Info.Data["volume_id"] = uuid.NewString()
	_, err := connector(t, t.Output()).Connect(t.Context(), v.Info)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.ErrorContains(t, err, "another one")
	require.Empty(t, left(t))
}

// TestInsidePortals: without multipathd the first portal that answers is taken.
func TestInsidePortals(t *testing.T) {
	v := export(t, exporter(t, t.TempDir(), "127.0.0.1", "127.0.0.2"))
	c := connector(t, t.Output())
	d, err := c.Connect(t.Context(), v.Info)
	require.NoError(t, err)
	require.Len(t, d.Paths, 1)
	require.Equal(t, "127.0.0.1:3260", d.Paths[0].Portal)
	require.Equal(t, "naa.6001405"+strings.ReplaceAll(v.VolumeID, "-", "")[:25], d.WWID)
	sessions, err := filepath.Glob("/sys/class/iscsi_session/session*")
	require.NoError(t, err)
	require.Len(t, sessions, 1)
	timeout, err := os.ReadFile(sessions[0] + "/recovery_tmo")
	require.NoError(t, err)
	require.Equal(t, "600", strings.TrimSpace(string(timeout)))
	require.NoError(t, c.Disconnect(t.Context(), v.Info, false))

	v.Info.Data["target_portals"].([]string)[0] = "127.0.0.1:3999" // nobody listens
	d, err = c.Connect(t.Context(), v.Info)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.2:3260", d.Paths[0].Portal)
	require.NoError(t, c.Disconnect(t.Context(), v.Info, false))
	require.Empty(t, left(t))

	v.Info.Data["target_portals"].([]string)[1] = "127.0.0.2:3999"
	begun := time.Now()
	_, err = c.Connect(t.Context(), v.Info)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.NotEmpty(t, drivers.Hint(err))
	require.Less(t, time.Since(begun), 5*time.Second, "a closed port is not waited for")
	require.Empty(t, left(t))
}

// TestInsideStale: a session through a portal that the volume has no longer is ended when nobody uses it.
func TestInsideStale(t *testing.T) {
	v := export(t, exporter(t, t.TempDir(), "127.0.0.1", "127.0.0.2"))
	c := connector(t, t.Output())
	_, err := c.Connect(t.Context(), v.Info)
	require.NoError(t, err)
	for _, key := range []string{"target_iqns", "target_portals", "target_luns"} {
		delete(v.Info.Data, key)
	}
	v.Info.Data["target_portal"] = "127.0.0.2:3260"
	d, err := c.Connect(t.Context(), v.Info)
	require.NoError(t, err)
	require.Len(t, d.Paths, 1)
	require.Equal(t, "127.0.0.2:3260", d.Paths[0].Portal)
	held, err := os.Open(d.Path)
	require.NoError(t, err)
	defer held.Close()
	v.Info.Data["target_portal"] = "127.0.0.1:3260"
	_, err = c.Connect(t.Context(), v.Info)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.NoError(t, held.Close())
	require.NoError(t, c.Disconnect(t.Context(), v.Info, false))
	require.Empty(t, left(t))
}

// TestInsideSecrets looks at the arguments and environments of all processes, the log, and the modes of files.
func TestInsideSecrets(t *testing.T) {
	v := export(t, exporter(t, t.TempDir(), "127.0.0.1"))
	secret := v.Info.Data["auth_password"].(string)
	var log bytes.Buffer
	c := connector(t, &log)
	quit, seen := make(chan struct{}), make(chan []string)
	go func() {
		var found []string
		looks := map[string]int{} // between fork and exec a process has its parent's arguments: the first look is not enough
		for {
			processes, _ := filepath.Glob("/proc/[0-9]*")
			for _, p := range processes {
				if looks[p]++; looks[p] > 3 {
					continue
				}
				argv, _ := os.ReadFile(p + "/cmdline")
				env, _ := os.ReadFile(p + "/environ")
				found = append(found, string(argv)+string(env))
			}
			select {
			case <-quit:
				seen <- found
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	for range 3 {
		_, err := c.Connect(t.Context(), v.Info)
		require.NoError(t, err)
		records, err := filepath.Glob("/etc/iscsi/nodes/*/*")
		require.NoError(t, err)
		require.Len(t, records, 1)
		text, err := os.ReadFile(records[0])
		require.NoError(t, err)
		require.Contains(t, string(text), "node.session.auth.password = "+secret)
		require.Contains(t, string(text), "node.startup = manual")
		st, err := os.Stat(records[0])
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
		require.NoError(t, c.Disconnect(t.Context(), v.Info, false))
	}
	close(quit)
	all := strings.Join(<-seen, "\n")
	for _, step := range []string{"new", "--login", "--logout"} {
		require.Contains(t, all, "\x00"+step+"\x00", "the watch did not see the step")
	}
	require.NotContains(t, all, secret)
	require.Contains(t, log.String(), "iscsiadm")
	require.NotContains(t, log.String(), secret)
	require.Empty(t, left(t))
}

func TestInsideMounted(t *testing.T) {
	v := export(t, exporter(t, t.TempDir(), "127.0.0.1"))
	c := connector(t, t.Output())
	d, err := c.Connect(t.Context(), v.Info)
	require.NoError(t, err)
	run(t, "mkfs.ext4", "-q", d.Path)
	dir := t.TempDir()
	run(t, "mount", d.Path, dir)
	err = c.Disconnect(t.Context(), v.Info, false)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.ErrorContains(t, err, "the mount at "+dir)
	run(t, "umount", dir)
	require.NoError(t, c.Disconnect(t.Context(), v.Info, false))
}

// TestInsideTargetGone: what can't be flushed is not given up, unless by force; and force waits for nobody.
func TestInsideTargetGone(t *testing.T) {
	v := export(t, exporter(t, t.TempDir(), "127.0.0.1"))
	c := connector(t, t.Output())
	d, err := c.Connect(t.Context(), v.Info)
	require.NoError(t, err)
	require.NoError(t, v.Remove(t.Context(), v.Export))
	require.Eventually(t, func() bool {
		state, _ := filepath.Glob("/sys/class/iscsi_session/session*/state")
		require.Len(t, state, 1)
		text, _ := os.ReadFile(state[0])
		return strings.TrimSpace(string(text)) == "FAILED"
	}, 20*time.Second, 50*time.Millisecond)
	err = c.Disconnect(t.Context(), v.Info, false)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, drivers.Hint(err), "force")
	require.FileExists(t, "/sys/block/"+filepath.Base(d.Path)+"/size", "everything stays as it is")

	begun := time.Now()
	require.NoError(t, c.Disconnect(t.Context(), v.Info, true))
	t.Logf("by force: %v", time.Since(begun).Round(time.Millisecond))
	require.Less(t, time.Since(begun), 30*time.Second)
	require.Empty(t, left(t))
	_, err = c.Connect(t.Context(), v.Info)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Empty(t, left(t))
}

func TestInsideReadonly(t *testing.T) {
	v := export(t, exporter(t, t.TempDir(), "127.0.0.1"))
	v.Info.Data["access_mode"] = "ro"
	c := connector(t, t.Output())
	d, err := c.Connect(t.Context(), v.Info)
	require.NoError(t, err)
	f, err := os.OpenFile(d.Path, os.O_RDWR, 0)
	if err == nil {
		_, err = f.WriteAt([]byte("x"), 0)
		f.Close()
	}
	require.Error(t, err)
	require.NoError(t, c.Disconnect(t.Context(), v.Info, false))
}

func run(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err, "%s: %s", strings.Join(args, " "), out)
}

func readInfo(t *testing.T) (info connectors.ConnectionInfo) {
	text, err := os.ReadFile("/host/info.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &info))
	return info
}
