package sharefs_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/internal/execx/execxtest"
)

func crashVolume() drivers.Volume {
	id := "11111111-2222-3333-4444-555555555555"
	return drivers.Volume{ID: id, Name: "volume-" + id, Size: 8 * mib}
}

func crashSnapshot(n int) drivers.Snapshot {
	id := fmt.Sprintf("22222222-2222-3333-4444-%012d", n)
	return drivers.Snapshot{ID: id, Name: "snapshot-" + id, Volume: crashVolume()}
}

// chainForever is the child: it takes snapshots, and deletes them in any order, until it is killed. Number 0 stays.
func chainForever(base string) {
	ctx := context.Background()
	d, err := sharefs.New(memory(), settings(base, nil), &execx.Exec{})
	fmt.Println("at work")
	for err == nil {
		n := 1 + rand.IntN(4)
		if _, err = d.CreateSnapshot(ctx, crashSnapshot(n)); err != nil {
			break
		}
		if err = d.DeleteSnapshot(ctx, crashSnapshot(1+rand.IntN(4))); err != nil {
			break
		}
		v := drivertest.NewVolume(8 * mib)
		if _, err = d.CreateFromSnapshot(ctx, v, crashSnapshot(0)); err != nil {
			break
		}
		err = d.DeleteVolume(ctx, v)
	}
	fmt.Fprintln(os.Stderr, "child:", err)
	os.Exit(1)
}

// child starts chainForever and returns once it is at work.
func child(t *testing.T, base string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+base)
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

// pending is the step that the volume's record notes.
func pending(t *testing.T, point string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(point, crashVolume().Name+".info"))
	require.NoError(t, err)
	var info map[string]string
	require.NoError(t, json.Unmarshal(text, &info), "the record is never half written")
	step, _, _ := strings.Cut(info["clinker.pending"], " ")
	return step
}

// Killed at any moment of a step on a chain: the volume and the snapshot that nobody touched have their bytes, the next step
// puts the chain in order, and nothing is left over.
func TestChainKilled(t *testing.T) {
	d, point := simple(t, nil)
	base := filepath.Dir(filepath.Dir(point))
	v, err := d.CreateVolume(t.Context(), crashVolume())
	require.NoError(t, err)
	old := bytes.Repeat([]byte("0123456789abcdef"), 4*mib/16)
	sharetest.Write(t, d, v, 0, old)
	_, err = d.CreateSnapshot(t.Context(), crashSnapshot(0))
	require.NoError(t, err)
	now := append(bytes.Clone(old), make([]byte, 4*mib)...)
	cut := map[string]int{}
	for n := range 40 {
		piece := bytes.Repeat([]byte{byte(n + 1)}, 2*mib)
		sharetest.Write(t, d, v, 3*mib, piece)
		copy(now[3*mib:], piece)
		cmd := child(t, base)
		time.Sleep(20*time.Millisecond + time.Duration(rand.IntN(250_000))*time.Microsecond)
		require.NoError(t, cmd.Process.Kill())
		cmd.Wait()
		cut[pending(t, point)]++

		after, err := sharefs.New(memory(), settings(base, nil), &execx.Exec{})
		require.NoError(t, err)
		require.True(t, bytes.Equal(now, sharetest.Read(t, after, v)), "the volume's bytes, before anything is mended")
		require.NoError(t, after.Check(t.Context()))
		for _, name := range list(t, after) {
			if name != v.Name {
				require.NoError(t, after.DeleteVolume(t.Context(), drivers.Volume{Name: name}))
			}
		}
		for n := 1; n <= 4; n++ {
			if rand.IntN(2) == 0 {
				require.NoError(t, after.DeleteSnapshot(t.Context(), crashSnapshot(n)))
			}
		}
		require.NoError(t, after.DeleteSnapshot(t.Context(), newSnapshot(v)), "of one that never was")
		require.Empty(t, pending(t, point), "any step puts the chain in order")
		require.True(t, bytes.Equal(now, sharetest.Read(t, after, v)), "the volume's bytes")
		holds(t, after, crashSnapshot(0), append(bytes.Clone(old), make([]byte, 4*mib)...))
	}
	for n := range 5 {
		require.NoError(t, d.DeleteSnapshot(t.Context(), crashSnapshot(n)))
	}
	require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))
	require.ElementsMatch(t, []string{v.Name, v.Name + ".info"}, files(t, point))
	require.Positive(t, cut["delete"], "no deletion was cut off: the test shows nothing; %v", cut)
	require.Positive(t, cut["snapshot"], "no snapshot was cut off: the test shows nothing; %v", cut)
	t.Logf("steps that were cut off: %v", cut)
}

// Data-safety rule 1: an attempt that sleeps in mid-step keeps the next one out.
func TestOverlappingAttempts(t *testing.T) {
	d, point := simple(t, nil)
	base := filepath.Dir(filepath.Dir(point))
	v, err := d.CreateVolume(t.Context(), crashVolume())
	require.NoError(t, err)
	_, err = d.CreateSnapshot(t.Context(), crashSnapshot(0))
	require.NoError(t, err)
	cmd := child(t, base)
	for pending(t, point) == "" {
		require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
		time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
		execxtest.AwaitStopped(t, cmd.Process.Pid)
	}
	err = d.DeleteSnapshot(short(t), crashSnapshot(0))
	require.ErrorIs(t, err, drivers.ErrBusy)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, d.DeleteVolume(short(t), v), drivers.ErrBusy)
	_, err = d.Source(short(t), v)
	require.ErrorIs(t, err, drivers.ErrBusy, "nobody is sent to a file that is being merged")
	require.NotEmpty(t, pending(t, point))
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	for n := range 5 {
		require.NoError(t, d.DeleteSnapshot(t.Context(), crashSnapshot(n)))
	}
	require.Empty(t, pending(t, point))
}
