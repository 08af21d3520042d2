package iscsi_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/connectors/iscsi"
	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/internal/execx/execxtest"
	"github.com/clinker-storage/clinker/models"
)

// host is a machine as files: what iscsiadm would have the kernel do is done to a tree.
type host struct {
	*testing.T
	root     string
	run      *execxtest.Runner
	portals  []string
	sessions int
}

const (
	iqn      = "iqn.2010-10.org.openstack:volume-1"
	volumeID = "00112233-4455-6677-8899-aabbccddeeff"
	wwid     = "naa.600140500112233445566778899aabbc"
)

func newHost(t *testing.T, portals int) *host {
	h := &host{T: t, root: t.TempDir(), run: execxtest.New(t)}
	for range portals {
		var config net.ListenConfig
		l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		h.portals = append(h.portals, l.Addr().String())
	}
	h.file("etc/iscsi/initiatorname.iscsi", "## a comment\nInitiatorName=iqn.1993-08.org.debian:01:abc\n")
	h.file("proc/self/net/unix", "Num RefCount\n0000: 00000002 00000000 00010000 0001 01 1234 @ISCSIADM_ABSTRACT_NAMESPACE\n")
	h.run.On("multipathd", execxtest.Answer{Err: execx.ErrNotFound})
	h.run.On("iscsiadm --version", execxtest.Answer{Stdout: "iscsiadm version 2.1.8\n"})
	h.run.OnFunc("iscsiadm -m node", h.node)
	h.run.OnFunc("iscsiadm -m session", func(c execxtest.Call) execxtest.Answer { h.logout(c.Args[3]); return execxtest.Answer{} })
	return h
}

func (h *host) file(name, text string) {
	path := filepath.Join(h.root, name)
	require.NoError(h, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(h, os.WriteFile(path, []byte(text), 0o600))
}

func (h *host) node(c execxtest.Call) execxtest.Answer {
	addr, port, _ := strings.Cut(c.Args[5], ":")
	switch what := strings.Join(c.Args[6:], " "); what {
	case "-o new":
		h.file("etc/iscsi/nodes/"+iqn+"/"+addr+","+port, "# BEGIN RECORD 2.1.8\nnode.name = "+iqn+"\n# END RECORD\n")
	case "--login":
		h.login(addr, port)
	case "--logout":
		return execxtest.Answer{Exit: 21, Stderr: "iscsiadm: No matching sessions found"}
	default:
		h.Errorf("iscsiadm %s", what)
	}
	return execxtest.Answer{}
}

// login makes session N with disk sdN, 8 MiB.
func (h *host) login(addr, port string) {
	h.sessions++
	n := h.sessions
	device := fmt.Sprintf("sys/devices/platform/host%d/session%d", n, n)
	disk, class := fmt.Sprintf("%s/target%d:0:0/%d:0:0:0", device, n, n), fmt.Sprintf("sys/class/iscsi_session/session%d", n)
	h.file(class+"/targetname", iqn+"\n")
	h.file(class+"/state", "LOGGED_IN\n")
	h.file(fmt.Sprintf("sys/class/iscsi_connection/connection%d:0/persistent_address", n), addr)
	h.file(fmt.Sprintf("sys/class/iscsi_connection/connection%d:0/persistent_port", n), port)
	h.file(disk+"/wwid", wwid+"\n")
	h.file(disk+"/delete", "")
	h.file(disk+"/rescan", "")
	h.file(fmt.Sprintf("%s/block/sd%d/size", disk, n), "")
	h.file(fmt.Sprintf("sys/class/scsi_host/host%d/scan", n), "")
	h.file(fmt.Sprintf("sys/block/sd%d/size", n), "16384\n")
	h.file(fmt.Sprintf("sys/block/sd%d/dev", n), fmt.Sprintf("8:%d\n", n))
	h.file(fmt.Sprintf("dev/sd%d", n), "")
	require.NoError(h, os.Symlink(filepath.Join(h.root, device), filepath.Join(h.root, class, "device")))
}

func (h *host) logout(id string) {
	require.NoError(h, os.RemoveAll(filepath.Join(h.root, "sys/class/iscsi_session/session"+id)))
}

// multipath has multipathd make dm-0 when it is told of the second path.
func (h *host) multipath() {
	h.run.On("multipathd show daemon", execxtest.Answer{Stdout: "pid 77 running\n"})
	told := 0
	h.run.OnFunc("multipathd add path", func(execxtest.Call) execxtest.Answer {
		if told++; told == 2 {
			for n := range told {
				h.file(fmt.Sprintf("sys/block/sd%d/holders/dm-0", n+1), "")
			}
			h.file("sys/block/dm-0/dm/name", "mpatha\n")
			h.file("sys/block/dm-0/dm/uuid", "mpath-3600140500112233445566778899aabbc\n")
			h.file("sys/block/dm-0/size", "16384\n")
			h.file("sys/block/dm-0/dev", "254:0\n")
			h.file("dev/mapper/mpatha", "")
			h.file("dev/dm-0", "")
		}
		return execxtest.Answer{Stdout: "ok\n"}
	})
	h.run.On("multipathd resize map mpatha", execxtest.Answer{Stdout: "ok\n"})
	h.run.On("multipath -f mpatha")
}

func (h *host) connector() *iscsi.Connector {
	c, err := iscsi.New(iscsi.Options{StateDir: h.TempDir(), Root: h.root, Runner: h.run, Machine: models.Connector{Host: "compute-1"}})
	require.NoError(h, err)
	return c
}

func (h *host) info() connectors.ConnectionInfo {
	return models.ISCSIConnection(volumeID, models.ExportLocation{
		IQN: iqn, Portals: h.portals, CHAP: models.CHAP{User: "u", Password: "topsecretsecret"},
	}, false, false)
}

func TestProperties(t *testing.T) {
	h := newHost(t, 1)
	p, err := h.connector().Properties(t.Context())
	require.NoError(t, err)
	require.Equal(t, models.Connector{Host: "compute-1", Initiator: "iqn.1993-08.org.debian:01:abc"}, p.Connector)
	require.True(t, p.Client("iscsi").Ready)

	h.multipath()
	p, err = h.connector().Properties(t.Context())
	require.NoError(t, err)
	require.True(t, p.Connector.Multipath)

	for name, c := range map[string]struct {
		change func(*host)
		hint   string
	}{
		"no iscsiadm": {func(h *host) { h.run.On("iscsiadm --version", execxtest.Answer{Err: execx.ErrNotFound}) }, "apt install open-iscsi"},
		"no iscsid":   {func(h *host) { h.file("proc/self/net/unix", "Num\n") }, "start iscsid"},
		"no name":     {func(h *host) { h.file("etc/iscsi/initiatorname.iscsi", "GenerateName=yes\n") }, "iscsi-iname"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, 1)
			c.change(h)
			p, err := h.connector().Properties(t.Context())
			require.NoError(t, err)
			require.False(t, p.Client("iscsi").Ready)
			require.NotEmpty(t, p.Client("iscsi").Reason)
			require.Contains(t, p.Client("iscsi").Hint, c.hint)
		})
	}
}

// TestMissing: what a login answers where a client is not there, or says no.
func TestMissing(t *testing.T) {
	for name, c := range map[string]struct {
		answer   execxtest.Answer
		sentinel error
		hint     string
	}{
		"iscsiadm":       {execxtest.Answer{Err: execx.ErrNotFound}, drivers.ErrUnavailable, "apt install open-iscsi"},
		"iscsid":         {execxtest.Answer{Exit: 20, Stderr: "iscsiadm: can not connect to iSCSI daemon (111)!"}, drivers.ErrUnavailable, "start iscsid"},
		"the right":      {execxtest.Answer{Exit: 13}, drivers.ErrUnavailable, "root"},
		"the password":   {execxtest.Answer{Exit: 24}, drivers.ErrInvalid, "CHAP"},
		"another reason": {execxtest.Answer{Exit: 8, Stderr: "iscsiadm: initiator reported error (8 - connection timed out)"}, drivers.ErrUnavailable, "nc -zv"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, 1)
			h.run.OnFunc("iscsiadm -m node", func(call execxtest.Call) execxtest.Answer {
				if call.Args[len(call.Args)-1] == "new" && c.answer.Exit != 24 && c.answer.Exit != 8 {
					return c.answer
				}
				if call.Args[len(call.Args)-1] == "--login" {
					return c.answer
				}
				return h.node(call)
			})
			_, err := h.connector().Connect(t.Context(), h.info())
			require.ErrorIs(t, err, c.sentinel)
			require.Contains(t, drivers.Hint(err), c.hint)
			require.NotContains(t, err.Error()+drivers.Hint(err), "topsecret")
			require.NoDirExists(t, filepath.Join(h.root, "etc/iscsi/nodes", iqn))
		})
	}
}

// TestRecordsBusy: iscsiadm fails when the record of another volume goes while it reads them all.
func TestRecordsBusy(t *testing.T) {
	h := newHost(t, 1)
	failures := 3
	h.run.OnFunc("iscsiadm -m node", func(c execxtest.Call) execxtest.Answer {
		if failures > 0 {
			failures--
			return execxtest.Answer{Exit: 6}
		}
		return h.node(c)
	})
	d, err := h.connector().Connect(t.Context(), h.info())
	require.NoError(t, err)
	require.EqualValues(t, 8<<20, d.Size)
	require.Zero(t, failures)
}

func TestMultipath(t *testing.T) {
	h := newHost(t, 2)
	h.multipath()
	c := h.connector()
	d, err := c.Connect(t.Context(), h.info())
	require.NoError(t, err)
	require.True(t, d.Multipath)
	require.Equal(t, filepath.Join(h.root, "dev/mapper/mpatha"), d.Path)
	require.Equal(t, wwid, d.WWID)
	require.Len(t, d.Paths, 2)
	require.Equal(t, h.portals[1], d.Paths[1].Portal)
	records, err := filepath.Glob(filepath.Join(h.root, "etc/iscsi/nodes/*/*"))
	require.NoError(t, err)
	require.Len(t, records, 2)
	for _, r := range records {
		text, err := os.ReadFile(r)
		require.NoError(t, err)
		require.Contains(t, string(text), "replacement_timeout = 5\n", "another path is to be taken soon")
	}
	again, err := c.Connect(t.Context(), h.info())
	require.NoError(t, err)
	require.Equal(t, d, again)
	require.Equal(t, 2, h.sessions)

	h.run.Forget()
	h.file("sys/block/dm-0/size", "32768\n")
	size, err := c.Extend(t.Context(), h.info())
	require.NoError(t, err)
	require.EqualValues(t, 16<<20, size)
	require.Equal(t, []string{"multipathd resize map mpatha"}, h.run.Lines())
	for n := 1; n <= 2; n++ {
		require.Equal(t, "1", h.read("sys/devices/platform/host%d/session%d/target%d:0:0/%d:0:0:0/rescan", n))
	}

	// Something lies over the device: nothing is touched.
	h.run.Forget()
	h.file("sys/block/dm-0/holders/dm-1", "")
	h.file("sys/block/dm-1/dm/name", "vg-lv\n")
	err = c.Disconnect(t.Context(), h.info(), false)
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.ErrorContains(t, err, "dm-1 vg-lv")
	require.Empty(t, h.run.Lines())

	// The device over the paths goes first, then the paths, then the sessions.
	require.NoError(t, os.RemoveAll(filepath.Join(h.root, "sys/block/dm-0/holders")))
	require.NoError(t, c.Disconnect(t.Context(), h.info(), false))
	require.Equal(t, []string{"multipath -f mpatha", "iscsiadm -m session -r 1 --logout", "iscsiadm -m session -r 2 --logout"}, h.run.Lines())
	for n := 1; n <= 2; n++ {
		require.Equal(t, "1", h.read("sys/devices/platform/host%d/session%d/target%d:0:0/%d:0:0:0/delete", n))
	}
	require.NoDirExists(t, filepath.Join(h.root, "etc/iscsi/nodes", iqn))
}

// TestRecordOfAFormerBoot: it has another password, and another node's settings.
func TestRecordOfAFormerBoot(t *testing.T) {
	h := newHost(t, 1)
	addr, port, _ := strings.Cut(h.portals[0], ":")
	h.file("etc/iscsi/nodes/"+iqn+"/"+addr+","+port+",1/default", "# BEGIN RECORD 2.1.8\nnode.session.auth.password = old\n# END RECORD\n")
	_, err := h.connector().Connect(t.Context(), h.info())
	require.NoError(t, err)
	records, err := filepath.Glob(filepath.Join(h.root, "etc/iscsi/nodes", iqn, "*"))
	require.NoError(t, err)
	require.Len(t, records, 1)
	text, err := os.ReadFile(records[0])
	require.NoError(t, err)
	require.Contains(t, string(text), "password = topsecretsecret")
	for _, line := range h.run.Lines() {
		require.NotContains(t, line, "topsecret")
	}
}

// TestBrokenSession: with the only path away nothing can be flushed, so that only force ends it.
func TestBrokenSession(t *testing.T) {
	h := newHost(t, 1)
	c := h.connector()
	_, err := c.Connect(t.Context(), h.info())
	require.NoError(t, err)
	h.file("sys/class/iscsi_session/session1/state", "FAILED\n")
	err = c.Disconnect(t.Context(), h.info(), false)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, drivers.Hint(err), "force")
	_, err = c.Extend(t.Context(), h.info())
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.NoError(t, c.Disconnect(t.Context(), h.info(), true))
	require.Empty(t, h.read("sys/devices/platform/host%d/session%d/target%d:0:0/%d:0:0:0/delete", 1), "it would wait for the target")
}

func (h *host) read(format string, n int) string {
	text, err := os.ReadFile(filepath.Join(h.root, fmt.Sprintf(format, n, n, n, n)))
	require.NoError(h, err)
	return string(text)
}
