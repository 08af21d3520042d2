package rig_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func build(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "rig")
	out, err := exec.Command("go", "build", "-o", binary, "./cmd/rig").CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

var session = regexp.MustCompile(`/var/tmp/clinker-rig/\d+`)

// Another process makes one of each part, and ends in one way or another.
func TestNothingIsLeft(t *testing.T) {
	binary := build(t)
	for _, tc := range []struct {
		name   string
		signal syscall.Signal
	}{
		{"an orderly end", syscall.SIGINT},
		{"kill -9", syscall.SIGKILL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, said := start(t, exec.Command(binary, "-nodes", "1", "-gluster", "-nfs", "-tgt"))
			share := regexp.MustCompile(`mount -t glusterfs (\S+)`).FindStringSubmatch(said)[1]
			dir := session.FindString(said)
			// A driver mounts by itself, in a place of its own.
			mount := t.TempDir()
			out, err := exec.Command("mount", "-t", "glusterfs", share, mount).CombinedOutput()
			require.NoError(t, err, string(out))

			kinds := map[string]bool{}
			for _, r := range remains(t, dir, share) {
				kinds[r.kind] = true
			}
			require.Len(t, kinds, 5, "what is looked for below is there now: %v", kinds)
			require.NoError(t, c.Process.Signal(tc.signal))
			_ = c.Wait()
			var left []remain
			require.Eventually(t, func() bool {
				left = remains(t, dir, share)
				return len(left) == 0
			}, 30*time.Second, 100*time.Millisecond, "%v", &left)
		})
	}
}

// Where the reaper is killed too, the next who uses the rig takes away what is left.
func TestSweep(t *testing.T) {
	binary := build(t)
	c, said := start(t, exec.Command(binary, "-nodes", "0", "-nfs", "-tgt"))
	dir := session.FindString(said)
	mark := filepath.Join(dir, "nfs1", "left-by-"+strconv.Itoa(c.Process.Pid)) // others may get the number and have an nfs1
	require.NoError(t, os.WriteFile(mark, nil, 0o600))
	reaper := child(t, c.Process.Pid, "sh")
	require.NoError(t, syscall.Kill(reaper, syscall.SIGKILL))
	require.NoError(t, c.Process.Kill())
	require.Error(t, c.Wait())
	// The reaper's own child has the number's lock, and ends with its input.
	require.Eventually(t, func() bool {
		_, err := os.Stat(mark)
		return err != nil || exec.Command("flock", "-n", dir+".lock", "true").Run() == nil
	}, 20*time.Second, 50*time.Millisecond)

	next, _ := start(t, exec.Command(binary, "-nodes", "0", "-tgt"))
	require.NoFileExists(t, mark)
	require.NoError(t, next.Process.Signal(syscall.SIGINT))
	require.NoError(t, next.Wait())
}

// child is the process of this name that another has started.
func child(t *testing.T, parent int, name string) int {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, path := range paths {
		var pid, ppid int
		var comm, state string
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		if _, err := fmt.Sscan(string(text), &pid, &comm, &state, &ppid); err == nil && ppid == parent && comm == "("+name+")" {
			return pid
		}
	}
	t.Fatalf("process %d has no child %s", parent, name)
	return 0
}

// start runs the command until it has all up, and returns what it said.
func start(t *testing.T, c *exec.Cmd) (*exec.Cmd, string) {
	t.Helper()
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill() // it has ended, unless the test failed
		_ = c.Wait()
	})
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			return c, said.String()
		}
	}
	_ = c.Wait()
	t.Fatalf("it ended: %s%s", said.String(), complaints.String())
	return nil, ""
}

type remain struct{ kind, what string }

// remains says what is there of a session of the rig.
func remains(t *testing.T, dir, share string) (found []remain) {
	t.Helper()
	if _, err := os.Stat(dir); err == nil {
		found = append(found, remain{"folder", dir})
	}
	link := regexp.MustCompile(`^ *clkr` + filepath.Base(dir) + `[:t]`)
	loops, err := exec.Command("losetup", "-nO", "NAME,BACK-FILE").Output()
	require.NoError(t, err)
	look := func(kind, text string, ours func(line string) bool) {
		for line := range strings.Lines(text) {
			if ours(line) {
				found = append(found, remain{kind, line})
			}
		}
	}
	look("loop", string(loops), func(line string) bool { return strings.Contains(line, dir+"/") })
	look("link", read(t, "/proc/net/dev"), link.MatchString)
	look("mount", read(t, "/proc/mounts"), func(line string) bool {
		return strings.Contains(line, dir+"/") || strings.HasPrefix(line, share+" ")
	})
	return append(found, processes(t, dir)...)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func processes(t *testing.T, dir string) (found []remain) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, path := range paths {
		line, err := os.ReadFile(path)
		env, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		if err == nil && (bytes.Contains(line, []byte(dir+"/")) || bytes.Contains(env, []byte("CLINKER_RIG="+dir))) {
			found = append(found, remain{"process", string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))})
		}
	}
	return found
}
