package execx_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/clinker-storage/clinker/internal/execx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a command that runs lines of a shell. Only tests do that.
func script(text string, args ...string) execx.Command {
	return execx.Command{Name: "sh", Args: append([]string{"-c", text, "sh"}, args...)}
}

func TestRun(t *testing.T) {
	t.Setenv("CLINKER_DATABASE_PASSWORD", "hunter2")
	dir := t.TempDir()
	for _, tc := range []struct {
		name   string
		c      execx.Command
		stdout string
	}{
		{"arguments are not for a shell", execx.Command{Name: "echo", Args: []string{"$HOME", "a b", "*", ";ls"}}, "$HOME a b * ;ls\n"},
		{"standard input", execx.Command{Name: "cat", Stdin: strings.NewReader("secret")}, "secret"},
		{"no standard input", execx.Command{Name: "cat"}, ""},
		{"plain words", script("echo $LC_ALL"), "C\n"},
		{"nothing of our environment", script("echo [$CLINKER_DATABASE_PASSWORD]"), "[]\n"},
		{"an environment of its own", execx.Command{Name: "sh", Args: []string{"-c", "echo $COLOUR"}, Env: []string{"COLOUR=red"}}, "red\n"},
		{"administrators' programs", script("case $PATH in */usr/sbin*) echo yes;; esac"), "yes\n"},
		{"away from mounted folders", execx.Command{Name: "pwd"}, "/\n"},
		{"in a folder", execx.Command{Name: "pwd", Dir: dir}, dir + "\n"},
		{"a group of its own", script("[ $(ps -o pgid= -p $$) -eq $$ ] && echo yes"), "yes\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			result, err := (&execx.Exec{}).Run(t.Context(), tc.c)
			require.NoError(t, err)
			require.Equal(t, tc.stdout, string(result.Stdout))
			require.Zero(t, result.ExitCode)
			require.Positive(t, result.Duration)
		})
	}
}

func TestFailures(t *testing.T) {
	x := &execx.Exec{}
	result, err := x.Run(t.Context(), script("echo part; echo first >&2; echo last >&2; exit 5"))
	var exit *execx.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 5, exit.ExitCode)
	require.Equal(t, "first\nlast", exit.Stderr)
	require.True(t, strings.HasSuffix(err.Error(), ": exit code 5: first; last"), err.Error())
	require.Equal(t, "part\n", string(result.Stdout), "a report may come with a bad exit code")
	require.Equal(t, 5, execx.ExitCode(err))

	_, err = x.Run(t.Context(), script("kill -9 $$"))
	require.ErrorAs(t, err, &exit)
	require.Equal(t, syscall.SIGKILL, exit.Signal)
	require.Contains(t, err.Error(), "ended by signal: killed")

	_, err = x.Run(t.Context(), execx.Command{Name: "no-such-program"})
	require.ErrorIs(t, err, execx.ErrNotFound)
	require.Contains(t, err.Error(), "no-such-program")
	_, err = x.Run(t.Context(), execx.Command{Name: "/no/such/program"})
	require.ErrorIs(t, err, execx.ErrNotFound)
	require.Equal(t, -1, execx.ExitCode(err))

	_, err = x.Run(t.Context(), execx.Command{Name: "true", Dir: "/no/such/folder"})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NotErrorIs(t, err, execx.ErrNotFound, "the program is there")
}

func TestOutputIsBounded(t *testing.T) {
	x := &execx.Exec{}
	flood := script("head -c 1000000 /dev/zero | tr '\\0' x; echo end")
	flood.Limit = 1000
	result, err := x.Run(t.Context(), flood)
	require.ErrorIs(t, err, execx.ErrOutput)
	require.Len(t, result.Stdout, 1000)

	flood.Args[1] = "(" + flood.Args[1] + ") >&2"
	result, err = x.Run(t.Context(), flood)
	require.NoError(t, err)
	require.Len(t, result.Stderr, 1000)
	require.True(t, bytes.HasSuffix(result.Stderr, []byte("xend\n")), "the end is what tells the reason")

	var sink bytes.Buffer
	stream := script("head -c 5000 /dev/zero")
	stream.Limit, stream.Stdout = 10, &sink
	result, err = x.Run(t.Context(), stream)
	require.NoError(t, err)
	require.Empty(t, result.Stdout)
	require.Equal(t, 5000, sink.Len())
}

func TestSecretsAreHidden(t *testing.T) {
	var log bytes.Buffer
	x := execx.New(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	c := script("echo bad password $1 >&2; exit 1", "xyzzy", "--pass=xyzzy")
	c.Secrets = []string{"", "xyzzy"}
	_, err := x.Run(t.Context(), c)
	require.Contains(t, err.Error(), "bad password ***")
	require.Contains(t, err.Error(), "--pass=***")
	require.Contains(t, log.String(), "--pass=***")
	require.Contains(t, log.String(), "duration=")
	require.NotContains(t, err.Error()+log.String(), "xyzzy")
}

// children waits until the script has written the ids of its processes, one a line.
func children(t *testing.T, file string, n int) (pids []int) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(file)
		return err == nil && len(strings.Fields(string(text))) == n
	}, 10*time.Second, 10*time.Millisecond)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		require.NoError(t, err)
		pids = append(pids, pid)
	}
	return pids
}

func alive(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

func TestCancelEndsTheWholeGroup(t *testing.T) {
	for _, tc := range []struct{ name, text string }{
		{"willing", "sleep 60 & echo $$ $! >$1; wait"},
		{"deaf", "trap '' TERM; sleep 60 & echo $$ $! >$1; wait; wait"},
		{"deaf child", "(trap '' TERM; sleep 60) & echo $$ $! >$1; wait"},
		{"says that all is well", "trap 'exit 0' TERM; sleep 60 & echo $$ $! >$1; wait"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := &execx.Exec{Grace: 200 * time.Millisecond}
			ctx, cancel := context.WithCancel(t.Context())
			file := filepath.Join(t.TempDir(), "pids")
			done := make(chan error, 1)
			go func() {
				_, err := x.Run(ctx, script(tc.text, file))
				done <- err
			}()
			pids := children(t, file, 2)
			cancel()
			select {
			case err := <-done:
				require.ErrorIs(t, err, context.Canceled)
			case <-time.After(10 * time.Second):
				t.Fatal("the program still runs")
			}
			require.Eventually(t, func() bool { return !alive(pids[0]) && !alive(pids[1]) }, 5*time.Second, 10*time.Millisecond)
		})
	}
}

func TestGentleIsNotCutOff(t *testing.T) {
	x := &execx.Exec{Grace: time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	file := filepath.Join(dir, "pids")
	c := script("trap 'asked=1' TERM; echo $$ >$1; while [ -z \"$asked\" ]; do sleep 0.05; done; sleep 0.3; echo whole >$1.done", file)
	c.Gentle = true
	done := make(chan error, 1)
	go func() {
		_, err := x.Run(ctx, c)
		done <- err
	}()
	children(t, file, 1)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.FileExists(t, file+".done")
}

func TestDeadlineAndEndedContext(t *testing.T) {
	x := &execx.Exec{}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := x.Run(ctx, execx.Command{Name: "sleep", Args: []string{"60"}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = x.Run(ctx, execx.Command{Name: "touch", Args: []string{filepath.Join(t.TempDir(), "x")}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Contains(t, err.Error(), "was not run")
}

// mount.glusterfs ends and leaves the file system's process behind; that must neither be waited for nor be ended.
func TestDaemonsStay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	begun := time.Now()
	result, err := (&execx.Exec{}).Run(t.Context(), script("sleep 60 & echo $! >$1; echo mounted", file))
	require.NoError(t, err)
	require.Equal(t, "mounted\n", string(result.Stdout))
	require.Less(t, time.Since(begun), 20*time.Second)
	pid := children(t, file, 1)[0]
	require.True(t, alive(pid))
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}

func TestBrokenInput(t *testing.T) {
	broken := errors.New("broken")
	_, err := (&execx.Exec{}).Run(t.Context(), execx.Command{Name: "cat", Stdin: failing{broken}})
	require.ErrorIs(t, err, broken)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestFindLooksInAdministratorsFolders(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	path, err := execx.Find("losetup")
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(path))
	_, err = (&execx.Exec{}).Run(t.Context(), execx.Command{Name: "losetup", Args: []string{"--version"}})
	require.NoError(t, err)
}

func TestCommandLine(t *testing.T) {
	c := execx.Command{Name: "lvcreate", Args: []string{"-n", "a b", "", "it's", "pw"}, Secrets: []string{"pw"}}
	require.Equal(t, `lvcreate -n 'a b' '' 'it'\''s' ***`, c.String())
}
