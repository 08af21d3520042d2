package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// ownRack is a rack with `clinkerd up` as docs/deploy.md has it: a controller, which is this machine, and a storage node and a compute host, which are one
// node here, in folders apart.
type ownRack struct {
	dir                   string // the controller's /etc/clinker and /var/lib/clinker
	apiAddr, temporalAddr string
	node                  *rig.Node
	up                    *harness.Process
	workers               []*nodeProcess
}

// nodeProcess is a worker in the node.
type nodeProcess struct {
	machine, role, log, pidFile string
	done                        <-chan error
}

// step is a block of commands of the manual.
type step struct {
	machine string
	runsOn  bool
	text    string
}

// manual are the blocks of docs/deploy.md's section on a rack.
func manual(t *testing.T) (steps []step) {
	t.Helper()
	text, err := os.ReadFile("../../docs/deploy.md")
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(text), "\n## A rack with `clinkerd up`\n")
	require.True(t, ok)
	section, _, ok = strings.Cut(section, "\n## ")
	require.True(t, ok)
	for _, m := range regexp.MustCompile("```sh\n# on (?:the )?([a-z0-9]+)(, to run on)?\n([^`]*)```").FindAllStringSubmatch(section, -1) {
		steps = append(steps, step{m[1], m[2] != "", m[3]})
	}
	require.Len(t, steps, strings.Count(section, "```sh"))
	return steps
}

func newOwnRack(t *testing.T) *ownRack {
	r := &ownRack{dir: t.TempDir(), node: rig.StorageNode(t, rig.Disks(4*rig.GiB))}
	r.apiAddr, r.temporalAddr = harness.FreeAddrAt(t, r.node.Gateway()), harness.FreeAddrAt(t, r.node.Gateway())
	harness.CopyBinary(t, "clinkerd", r.node.Share)
	for _, machine := range []string{"storage1", "compute1", "backup"} {
		require.NoError(t, os.MkdirAll(filepath.Join(r.node.Share, machine), 0o700))
	}
	// What the manual copies with scp goes through the folder that the node shares.
	script := `for to; do :; done; machine=${to#root@}; while [ $# -gt 1 ]; do cp -p "$1" "` + r.node.Share + `/${machine%%:*}/"; shift; done`
	require.NoError(t, os.Mkdir(filepath.Join(r.dir, "bin"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "bin", "scp"), []byte("#!/bin/sh -e\n"+script+"\n"), 0o700))
	return r
}

// here puts this rack's addresses, folders and disk into the manual's words.
func (r *ownRack) here(machine, text string) string {
	etc, state, backup := "/host/"+machine, "/host/"+machine+"/state", "/host/backup"
	if machine == "controller" {
		etc, state, backup = filepath.Join(r.dir, "etc"), filepath.Join(r.dir, "state"), filepath.Join(r.node.Share, "backup")
	}
	return strings.NewReplacer("/etc/clinker", etc, "/var/lib/clinker", state, "/srv/backup", backup, "/dev/sdb", r.node.Disks()[0],
		"192.0.2.10:8776", r.apiAddr, "192.0.2.10:7233", r.temporalAddr, "192.0.2.10", r.node.Gateway(), "192.0.2.21", r.node.Addr).Replace(text)
}

// controller runs a script on the controller.
func (r *ownRack) controller(t *testing.T, script string) (out string, code int) {
	t.Helper()
	path := "PATH=" + filepath.Join(r.dir, "bin") + ":" + filepath.Dir(harness.Binary(t, "clinkerd")) + ":" + os.Getenv("PATH")
	return harness.Run(t, []string{path}, "bash", "-ec", r.here("controller", script))
}

// as runs clinker as admin.
func (r *ownRack) as(t *testing.T, command string) string {
	t.Helper()
	out, code := r.controller(t, ". /var/lib/clinker/openrc; export OS_CACERT=/etc/clinker/ca.crt\n"+command)
	require.Zero(t, code, "%s: %s", command, out)
	return out
}

func (r *ownRack) do(t *testing.T, s step) {
	t.Helper()
	switch {
	case s.machine == "controller" && s.runsOn:
		words := strings.Fields(r.here(s.machine, s.text))
		words[0] = harness.Binary(t, words[0])
		log := filepath.Join(r.dir, "up.log")
		r.up = harness.Launch(t, &harness.Process{
			Name: "the controller", Args: append(words, "--ui-addr", harness.FreeAddr(t)), Log: log,
			Ready: func() bool { return strings.Contains(string(readFile(t, log)), "Clinker is up") },
		})
	case s.machine == "controller":
		out, code := r.controller(t, s.text)
		require.Zero(t, code, "%s\n%s", s.text, out)
	case s.runsOn:
		for line := range strings.Lines(s.text) {
			r.start(t, s.machine, strings.Fields(r.here(s.machine, line)))
		}
	default:
		r.node.Run("sh", "-ec", "export PATH=/host:$PATH\n"+r.here(s.machine, s.text))
	}
}

// start runs a worker in the node until it serves.
func (r *ownRack) start(t *testing.T, machine string, words []string) {
	t.Helper()
	w := &nodeProcess{machine: machine, role: words[2], log: filepath.Join(r.node.Share, machine, words[2]+".log"), pidFile: "/run/" + machine + words[2]}
	w.done = r.node.Background(os.Stderr, append([]string{
		"sh", "-c", "echo $$ >" + w.pidFile + ` && cd /host && exec "$@" >>/host/` + machine + "/" + w.role + ".log 2>&1", "sh", "/host/" + words[0],
	}, words[1:]...)...)
	r.workers = append(r.workers, w)
	harness.Await(t, rackLimit, func() (bool, string) {
		said := string(readFile(t, w.log))
		select {
		case err := <-w.done:
			t.Fatalf("the %s worker ended: %v\n%s", w.role, err, said)
		default:
		}
		return strings.Contains(said, w.role+" worker runs"), fmt.Sprintf("the %s worker: %s", w.role, said)
	})
}

// TestOwnRack follows the manual for a rack with `clinkerd up`, then does once what clouds do, with CHAP and encrypted backups, and looks at what everybody
// could read of it: files, process lists and memory.
func TestOwnRack(t *testing.T) {
	t.Parallel()
	r := newOwnRack(t)
	argv := filepath.Join(r.node.Share, "argv")
	watched := r.node.Background(os.Stderr, "sh", "-c",
		`: >/host/argv; while [ ! -e /host/watched ]; do cat /proc/[0-9]*/cmdline | tr '\0' ' '; echo; sleep 0.05; done >>/host/argv 2>/dev/null; cat /proc/[0-9]*/environ >>/host/argv`)
	steps := manual(t)
	for i, s := range steps {
		if i == len(steps)-1 {
			harness.Await(t, rackLimit, func() (bool, string) {
				out := r.as(t, "clinker pool list")
				return strings.Contains(out, "storage1@lvm"), out
			})
		}
		r.do(t, s)
	}
	t.Run("refused", func(t *testing.T) { r.refused(t) })

	r.as(t, "clinker volume attach first --host compute1 --wait")
	password := strings.TrimSpace(r.node.Run("sh", "-c", "cat /sys/kernel/config/target/iscsi/iqn*/tpgt_1/acls/*/auth/password"))
	require.Len(t, password, 16)
	token := strings.TrimSpace(r.as(t, "openstack token issue -f value -c id"))
	secrets := r.secrets(t, token, password)
	t.Run("memory", func(t *testing.T) { r.memory(t, secrets) })
	r.as(t, "clinker volume detach first --wait; clinker backup restore kept --wait --name again")
	require.NoError(t, os.WriteFile(filepath.Join(r.node.Share, "watched"), nil, 0o600))
	<-watched
	t.Run("files", func(t *testing.T) {
		p := places{"arguments and environments in the node": argv, "the controller's log": r.up.Log}
		p.tree(t, filepath.Join(r.dir, "state"))
		p.tree(t, filepath.Join(r.node.Share, "storage1"), "*.token", "*.keys", "backup.key", "volume-*.json", "host.key")
		p.tree(t, filepath.Join(r.node.Share, "compute1"), "*.token", "*.keys", "host.key")
		p.tree(t, filepath.Join(r.node.Share, "backup"))
		p.process("the controller", r.up.Pid())
		p.wantNone(t, secrets, r.up.Log)
		require.Contains(t, p.holding(t, []byte("clinkerd worker host")), "arguments and environments in the node")
		require.NotEmpty(t, p.holding(t, []byte("attachment-attach:")), "Temporal's database")
	})
}

// secrets are all of this rack.
func (r *ownRack) secrets(t *testing.T, token, password string) map[string][]byte {
	etc := func(name string) []byte { return bytes.TrimSpace(readFile(t, filepath.Join(r.dir, "etc", name))) }
	secrets := adminSecrets(t, filepath.Join(r.dir, "state"), token)
	secrets["the CHAP password"] = []byte(password)
	secrets["token of storage1"], secrets["token of compute1"] = etc("storage1.token"), etc("compute1.token")
	raw, err := hex.DecodeString(string(etc("backup.key")))
	require.NoError(t, err)
	secrets["the backup key"], secrets["bytes of the backup key"] = etc("backup.key"), raw
	secrets["the controller's TLS key"] = bytes.Split(etc("controller.key"), []byte("\n"))[1]
	addPayloadKeys(t, secrets, filepath.Join(r.dir, "etc", "payload.keys"))
	return secrets
}

// memory wants in each process no secret but those that it needs.
func (r *ownRack) memory(t *testing.T, secrets map[string][]byte) {
	wanted(t, secrets, r.node.Share)
	var pids []string
	needs := map[string]func(*nodeProcess) bool{
		"the CHAP password": func(w *nodeProcess) bool { return w.role != "data" },
		"the backup key":    func(w *nodeProcess) bool { return w.role == "data" },
	}
	for _, w := range r.workers {
		pids = append(pids, strings.TrimSpace(r.node.With(t).Run("cat", w.pidFile)))
	}
	found := readFound(t, r.node.With(t).Run(append([]string{"python3", "/host/memory.py", "/host/wanted.json"}, pids...)...), pids)
	for i, w := range r.workers {
		known := found[atoi(t, pids[i])]
		for _, what := range known {
			need := needs[strings.TrimPrefix(what, "bytes of ")]
			its := strings.HasSuffix(what, " of "+w.machine) || need != nil && need(w)
			require.True(t, its, "the %s worker of %s has %s", w.role, w.machine, what)
		}
		require.NotEmpty(t, known, "the search finds what the %s worker does know", w.role)
	}
	up := inMemory(t, secrets, r.up.Pid())[r.up.Pid()]
	require.NotContains(t, up, "the CHAP password", "it goes from node to host, sealed")
	require.NotEmpty(t, up)
}

// refused are the ways in that are none.
func (r *ownRack) refused(t *testing.T) {
	_, port, err := net.SplitHostPort(harness.FreeAddr(t))
	require.NoError(t, err)
	elsewhere := net.JoinHostPort(r.node.Gateway(), port)
	for name, c := range map[string]struct{ script, says string }{
		"Temporal without TLS":      {"clinkerd up --state-dir /var/lib/clinker/other --api-addr 127.0.0.1:0 --temporal-addr " + elsewhere, "without TLS"},
		"the Web UI for all to see": {"clinkerd up --state-dir /var/lib/clinker/other --api-addr 127.0.0.1:0 --ui-addr " + elsewhere, "Web UI"},
		"noauth for all to see":     {"CLINKER_AUTH_STRATEGY=noauth clinkerd up --state-dir /var/lib/clinker/other --api-addr " + elsewhere, "everybody there would be administrator"},
	} {
		t.Run(name, func(t *testing.T) {
			out, code := r.controller(t, c.script)
			require.Equal(t, 2, code, out)
			require.Contains(t, out, c.says)
		})
	}
	conf := string(readFile(t, filepath.Join(r.node.Share, "compute1", "clinker.conf")))
	for name, c := range map[string]struct {
		change [2]string
		says   string
	}{
		"no token":                     {[2]string{"api_key_file", "#api_key_file"}, "unauthorized"},
		"no trust in the certificate":  {[2]string{"tls_ca", "#tls_ca"}, "certificate"},
		"a token that others can read": {[2]string{"compute1.token", "readable.token"}, "mode 0644"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(r.node.Share, "compute1")
			readable := filepath.Join(dir, "readable.token")
			require.NoError(t, os.WriteFile(readable, readFile(t, filepath.Join(dir, "compute1.token")), 0o600))
			require.NoError(t, os.Chmod(readable, 0o644))
			path := filepath.Join(dir, "bad.conf")
			require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(strings.Replace(conf, c.change[0], c.change[1], 1), "/host/compute1/state", filepath.Join(r.dir, "bad"))), 0o600))
			text := strings.ReplaceAll(string(readFile(t, path)), "/host/", r.node.Share+"/") // tried on this machine
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			out, code := r.controller(t, "clinkerd worker host --config-file "+path)
			require.NotZero(t, code)
			require.Contains(t, strings.ToLower(out), c.says)
			require.NoError(t, os.Remove(readable))
			require.NoError(t, os.Remove(path))
		})
	}
}

func atoi(t *testing.T, text string) (n int) {
	t.Helper()
	_, err := fmt.Sscan(text, &n)
	require.NoError(t, err)
	return n
}
