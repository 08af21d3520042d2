package dir_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/internal/execx/execxtest"
)

const crashSize = 12 << 20

func crashConfig(path string) drivers.Config {
	return drivers.Config{Backend: "files", CloudID: "cloud-1", Options: map[string]string{"dir_path": path}}
}

// source is the volume that the child clones.
func crashSource() drivers.Volume {
	id := "11111111-2222-3333-4444-555555555555"
	return drivers.Volume{ID: id, Name: "volume-" + id, Size: crashSize}
}

// cloneForever is the child: it makes and clones volumes until it is killed.
func cloneForever(path string) {
	d, err := dir.New(context.Background(), crashConfig(path))
	for err == nil {
		fmt.Println("again")
		v := drivertest.NewVolume(crashSize)
		if _, err = d.(drivers.Cloner).CloneVolume(context.Background(), v, crashSource()); err != nil {
			break
		}
		err = d.DeleteVolume(context.Background(), v)
	}
	fmt.Fprintln(os.Stderr, "child:", err)
	os.Exit(1)
}

// child starts cloneForever or revertForever and returns once it is at work.
func child(t *testing.T, path, work string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+path, envWork+"="+work)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return cmd
}

func crashFolder(t *testing.T) (path string, data []byte) {
	t.Helper()
	path = t.TempDir()
	d, err := dir.New(t.Context(), crashConfig(path))
	require.NoError(t, err)
	_, err = d.CreateVolume(t.Context(), crashSource())
	require.NoError(t, err)
	data = bytes.Repeat([]byte("0123456789abcdef"), crashSize/16)
	require.NoError(t, write(t, d, crashSource(), data))
	return path, data
}

// Killed at any moment of a clone: what is listed is whole, what is not is cleared away by the next start.
func TestKilled(t *testing.T) {
	path, data := crashFolder(t)
	unfinished := 0
	for range 25 {
		cmd := child(t, path, "clone")
		time.Sleep(time.Duration(rand.IntN(30_000)) * time.Microsecond)
		require.NoError(t, cmd.Process.Kill())
		cmd.Wait()
		unfinished += len(parts(t, path))

		d, err := dir.New(t.Context(), crashConfig(path))
		require.NoError(t, err)
		for v, err := range d.Volumes(t.Context()) {
			require.NoError(t, err)
			held, err := os.ReadFile(filepath.Join(path, v.Name))
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, held), "%s is listed and not whole", v.Name)
			if v.Name != crashSource().Name {
				require.NoError(t, d.DeleteVolume(t.Context(), v))
			}
		}
		require.Empty(t, parts(t, path), "leftovers")
	}
	require.Positive(t, unfinished, "no clone was cut off: the test shows nothing")
}

// Data-safety rule 1: an attempt that sleeps in mid-clone keeps the next one out, and is found out to be dead once it is.
func TestOverlappingAttempts(t *testing.T) {
	path, data := crashFolder(t)
	d, err := dir.New(t.Context(), crashConfig(path))
	require.NoError(t, err)
	cmd := child(t, path, "clone")
	var left []string
	for len(left) == 0 {
		require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
		time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
		execxtest.AwaitStopped(t, cmd.Process.Pid)
		left = parts(t, path)
	}
	name := filepath.Base(left[0])
	name = name[1 : len(name)-len(".part")]
	v := drivers.Volume{Name: name, Size: crashSize}

	_, err = d.(drivers.Cloner).CloneVolume(short(t), v, crashSource())
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, drivers.Ambiguous, drivers.Outcome(err))
	require.ErrorIs(t, d.DeleteVolume(short(t), v), drivers.ErrBusy)
	_, err = d.FindVolume(short(t), name[len("volume-"):])
	require.ErrorIs(t, err, drivers.ErrBusy, "it is neither there nor not")
	require.NoError(t, d.Check(t.Context()))
	require.Equal(t, left, parts(t, path), "a part of a living attempt is left alone")

	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	_, err = d.(drivers.Cloner).CloneVolume(t.Context(), v, crashSource())
	require.NoError(t, err)
	require.Empty(t, parts(t, path))
	held, err := os.ReadFile(filepath.Join(path, name))
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, held))
}
