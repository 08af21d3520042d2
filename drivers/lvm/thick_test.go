package lvm_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
)

// secret is what a tenant wrote: it must not be found where others could read it.
var secret = bytes.Repeat([]byte("the former tenant's secret, 64 bytes long, again and again....\n\n"), 1024)

// smear fills a volume with the secret.
func smear(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	for at := int64(0); at < size; at += int64(len(secret)) {
		_, err := f.WriteAt(secret[:min(int64(len(secret)), size-at)], at)
		require.NoError(t, err)
	}
	require.NoError(t, f.Sync())
}

// smearedGroup makes a group whose disk is full of what others left, in its first so many MiB.
func smearedGroup(t *testing.T, mib int64) {
	t.Helper()
	smear(t, disk(), mib<<20)
	run(t, "wipefs", "-a", disk())
	freshGroup(t)
}

// secrets counts the MiB of all free space that hold the secret.
func secrets(t *testing.T) (found int) {
	t.Helper()
	run(t, "lvm", "lvcreate", "-y", "-Wn", "-Zn", "-l", "100%FREE", "-n", "search", group)
	defer run(t, "lvm", "lvremove", "-y", group+"/search")
	f, err := os.Open("/dev/" + group + "/search")
	require.NoError(t, err)
	defer f.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := f.Read(buf)
		if bytes.Contains(buf[:n], secret[:64]) {
			found++
		}
		if err == io.EOF {
			return found
		}
		require.NoError(t, err)
	}
}

// What others left on the disks is never shown (data-safety rule 2): new volumes, what is added to one in use, what a clone has
// beyond its source.
func TestInsideThickReadsZero(t *testing.T) {
	smearedGroup(t, 400)
	d := open(t, config(t, thick))
	v := drivertest.NewVolume(32 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	path := device(t, d, v)
	require.Equal(t, make([]byte, v.Size), read(t, path, 0, int64(v.Size)))
	src, err := d.Source(t.Context(), v)
	require.NoError(t, err)
	require.False(t, src.ZeroFilled, "a restore must write its zeros: a guest's discards may show anything")

	held, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err, "in use")
	defer held.Close()
	require.NoError(t, d.ExtendVolume(t.Context(), v, 2*v.Size))
	require.Equal(t, make([]byte, 2*v.Size), read(t, path, 0, int64(2*v.Size)))
	held.Close()

	clone := drivertest.NewVolume(3 * v.Size)
	_, err = d.CloneVolume(t.Context(), clone, v)
	require.NoError(t, err)
	require.Equal(t, make([]byte, clone.Size), read(t, device(t, d, clone), 0, int64(clone.Size)))
}

// Nothing of a tenant's data is left in the free space (data-safety rule 12): after a delete, a deleted snapshot, a finished
// clone, a clone that was cancelled and given up.
func TestInsideThickWipes(t *testing.T) {
	blankGroup(t)
	d := open(t, config(t, thick))
	v := drivertest.NewVolume(24 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	smear(t, device(t, d, v), int64(v.Size))

	snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	smear(t, device(t, d, v), int64(v.Size)) // the store now holds all of it
	require.NoError(t, d.DeleteSnapshot(t.Context(), snap))
	require.Zero(t, secrets(t), "in a snapshot's store")

	clone := drivertest.NewVolume(v.Size)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = d.CloneVolume(drivers.WithProgress(ctx, func(done, _ drivers.Bytes) {
		if done > 8<<20 {
			cancel()
		}
	}), clone, v)
	require.ErrorIs(t, err, context.Canceled)
	cancel()
	require.Equal(t, []string{v.Name}, names(t, d))
	require.NoError(t, d.DeleteVolume(t.Context(), clone))
	require.Zero(t, secrets(t), "in a clone that was given up")

	var seen drivers.Bytes
	require.NoError(t, d.DeleteVolume(drivers.WithProgress(t.Context(), func(done, total drivers.Bytes) {
		require.Equal(t, v.Size, total)
		seen = done
	}), v))
	require.Equal(t, v.Size, seen, "the wipe tells how far it is")
	require.Zero(t, secrets(t), "in a deleted volume")
	require.Empty(t, strings.TrimSpace(run(t, "lvs", "--noheadings", "-a", group)))
}

func TestInsideThickClearOptions(t *testing.T) {
	for name, test := range map[string]struct {
		options map[string]string
		left    int // MiB
	}{
		"none":  {map[string]string{"volume_clear": "none"}, 16},
		"start": {map[string]string{"volume_clear_size": "4", "volume_clear_ionice": "-c3"}, 12},
		"slow":  {map[string]string{"volume_copy_bps_limit": "200000000"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			test.options["lvm_type"] = "default"
			blankGroup(t)
			d := open(t, config(t, test.options))
			v := drivertest.NewVolume(16 << 20)
			_, err := d.CreateVolume(t.Context(), v)
			require.NoError(t, err)
			smear(t, device(t, d, v), int64(v.Size))
			require.NoError(t, d.DeleteVolume(t.Context(), v))
			require.Equal(t, test.left, secrets(t))
		})
	}
}

// tag finds an LV's tags.
func tags(t *testing.T, lv string) string {
	return strings.TrimSpace(run(t, "lvs", "--noheadings", "-o", "lv_tags", group+"/"+lv))
}

// What killed steps left is finished or removed by the next step on the volume, or by the next start.
func TestInsideThickLeftovers(t *testing.T) {
	cfg := config(t, thick)
	blankGroup(t)
	d := open(t, cfg)
	v := drivertest.NewVolume(8 << 20)
	leave := func(name, state string, more ...string) {
		args := []string{
			"lvm", "lvcreate", "-y", "-Wn", "-Zn", "-L", "8M", "-n", name, "--addtag", "clinker.cloud=cloud-1",
			"--addtag", "clinker.volume=" + v.ID, "--addtag", "clinker.state=" + state, group,
		}
		run(t, append(args, more...)...)
		smear(t, "/dev/"+group+"/"+name, 8<<20)
	}
	absent := func() {
		t.Helper()
		_, err := d.FindVolume(t.Context(), v.ID)
		require.ErrorIs(t, err, drivers.ErrNotFound)
		require.Empty(t, names(t, d))
	}
	t.Run("a create goes on", func(t *testing.T) {
		leave(v.Name, "building")
		absent()
		_, err := d.CreateVolume(t.Context(), v)
		require.NoError(t, err)
		require.Equal(t, make([]byte, v.Size), read(t, device(t, d, v), 0, int64(v.Size)))
		require.NotContains(t, tags(t, v.Name), "clinker.state")
		require.NoError(t, d.DeleteVolume(t.Context(), v))
	})
	t.Run("a wipe goes on where it was", func(t *testing.T) {
		leave("_deleting-abc-"+v.Name, "deleting", "--addtag", "clinker.wipe=4194304-8388608")
		absent()
		var first drivers.Bytes
		require.NoError(t, d.DeleteVolume(drivers.WithProgress(t.Context(), func(done, total drivers.Bytes) {
			require.Equal(t, drivers.Bytes(4<<20), total)
			first = done
		}), v))
		require.NotZero(t, first)
		require.Equal(t, 4, secrets(t), "the rest had been wiped before, said the tag")
	})
	t.Run("the next start", func(t *testing.T) {
		leave(v.Name, "copying")
		leave("_grow-"+v.Name, "building")
		absent()
		open(t, cfg)
		require.Eventually(t, func() bool {
			return strings.TrimSpace(run(t, "lvs", "--noheadings", group)) == ""
		}, time.Minute, 500*time.Millisecond)
	})
}

// Others' logical volumes are never touched (data-safety rule 3).
func TestInsideThickForeign(t *testing.T) {
	d := newDriver(t, thick)
	v := drivertest.NewVolume(8 << 20)
	run(t, "lvm", "lvcreate", "-y", "-Wn", "-Zn", "-L", "8M", "-n", v.Name, group)
	smear(t, "/dev/"+group+"/"+v.Name, 8<<20)
	_, created := d.CreateVolume(t.Context(), v)
	require.ErrorIs(t, created, drivers.ErrExists)
	_, found := d.FindVolume(t.Context(), v.ID)
	_, source := d.Source(t.Context(), v)
	for _, err := range []error{created, found, source, d.DeleteVolume(t.Context(), v), d.ExtendVolume(t.Context(), v, 16<<20)} {
		require.Error(t, err)
		require.NotErrorIs(t, err, drivers.ErrNotFound)
		require.Contains(t, drivers.Hint(err), "clinker.cloud=cloud-1")
	}
	require.Empty(t, names(t, d))
	require.Equal(t, secret, read(t, "/dev/"+group+"/"+v.Name, 0, int64(len(secret))))

	// It can be taken in, and let go again.
	run(t, "lvm", "lvrename", group, v.Name, "theirs")
	var refs []string
	for item, err := range d.Adoptables(t.Context()) {
		require.NoError(t, err)
		require.Empty(t, item.Reason)
		refs = append(refs, item.Ref)
	}
	require.Equal(t, []string{"theirs"}, refs)
	_, err := d.Adopt(t.Context(), v, "theirs")
	require.NoError(t, err)
	require.Equal(t, []string{v.Name}, names(t, d))
	ref, err := d.Release(t.Context(), v)
	require.NoError(t, err)
	require.Empty(t, tags(t, ref))
	require.Equal(t, secret, read(t, "/dev/"+group+"/"+ref, 0, int64(len(secret))))
}

// Of an open volume LVM would put a merge off to the next activation, lvextend refuses an active origin, and lvremove takes
// snapshots along (data-safety rule 5).
func TestInsideThickInUse(t *testing.T) {
	d := newDriver(t, thick)
	v := drivertest.NewVolume(16 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	path := device(t, d, v)
	write(t, path, 0, []byte("before"))
	snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	write(t, path, 0, []byte("after!"))

	held, err := os.Open(path)
	require.NoError(t, err)
	defer held.Close()
	name := filepath.Base(os.Args[0])
	name = name[:min(len(name), 15)] // as the kernel keeps it
	for _, err := range []error{d.RevertToSnapshot(t.Context(), v, snap), d.ExtendVolume(t.Context(), v, 32<<20)} {
		require.ErrorIs(t, err, drivers.ErrBusy)
		require.Contains(t, drivers.Hint(err), fmt.Sprintf("process %d (%s)", os.Getpid(), name))
		require.NotContains(t, err.Error(), "/dev/")
	}
	require.NotContains(t, run(t, "lvs", "-a", "-o", "lv_merging", "--noheadings", group), "merging", "no merge waits for a reboot")
	held.Close()

	require.NoError(t, d.RevertToSnapshot(t.Context(), v, snap))
	require.Equal(t, "before", string(read(t, path, 0, 6)))
	require.NoError(t, d.DeleteSnapshot(t.Context(), snap))

	run(t, "lvm", "lvcreate", "-y", "-L", "8M", "--snapshot", "-n", "theirs", group+"/"+v.Name)
	require.ErrorIs(t, d.DeleteVolume(t.Context(), v), drivers.ErrBusy)
	require.Contains(t, run(t, "lvs", "--noheadings", group), "theirs")
	require.Equal(t, []string{v.Name}, names(t, d))
}

// A revert that was killed goes on: after the mark was set, while the merge waits, before the snapshot is made anew.
func TestInsideThickRevertKilled(t *testing.T) {
	d := newDriver(t, thick)
	v := drivertest.NewVolume(8 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	path := device(t, d, v)
	write(t, path, 0, []byte("before"))
	snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	lv := "_" + snap.Name
	for _, done := range [][]string{
		{},
		{"lvchange -an", "lvconvert --merge"},
		{"lvconvert --merge"},
	} {
		write(t, path, 0, []byte("after!"))
		run(t, "lvm", "lvchange", "--addtag", fmt.Sprintf("clinker.revert=%s/%s/%d/%d/", lv, snap.ID, v.Size, v.Size), group+"/"+v.Name)
		for _, command := range done {
			on := v.Name
			if strings.HasPrefix(command, "lvconvert") {
				on = lv
			}
			run(t, append(append([]string{"lvm"}, strings.Fields(command)...), group+"/"+on)...)
		}
		_, err := d.Source(t.Context(), v)
		require.ErrorIs(t, err, drivers.ErrBusy, "nobody gets it half reverted")
		require.NoError(t, d.RevertToSnapshot(t.Context(), v, snap))
		require.Equal(t, "before", string(read(t, device(t, d, v), 0, 6)))
		require.Contains(t, run(t, "lvs", "--noheadings", "-o", "lv_name,origin", group), lv)
		require.NotContains(t, tags(t, v.Name), "clinker.revert")
	}
}

// A thick snapshot whose store overflowed is lost, and says so; its volume is as it was.
func TestInsideThickOverflow(t *testing.T) {
	blankGroup(t)
	d := open(t, config(t, thick))
	v := drivertest.NewVolume(32 << 20)
	_, err := d.CreateVolume(t.Context(), v)
	require.NoError(t, err)
	snap, err := d.CreateSnapshot(t.Context(), drivertest.NewSnapshot(v))
	require.NoError(t, err)
	smear(t, device(t, d, v), int64(v.Size))
	_, err = d.CreateSnapshot(t.Context(), snap)
	require.NoError(t, err, "a store as large as the volume takes all of it")

	// A smaller one, as somebody's hand may have made it.
	lv := group + "/_" + snap.Name
	tags := tags(t, "_"+snap.Name)
	require.NoError(t, d.DeleteSnapshot(t.Context(), snap))
	args := []string{"lvm", "lvcreate", "-y", "-L", "8M", "--snapshot", "-n", "_" + snap.Name}
	for tag := range strings.SplitSeq(tags, ",") {
		args = append(args, "--addtag", tag)
	}
	run(t, append(args, group+"/"+v.Name)...)
	smear(t, device(t, d, v), int64(v.Size))
	_, create := d.CreateSnapshot(t.Context(), snap)
	_, from := d.CreateFromSnapshot(t.Context(), drivertest.NewVolume(v.Size), snap)
	for _, err := range []error{create, from, d.RevertToSnapshot(t.Context(), v, snap)} {
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		require.ErrorContains(t, err, "overflowed")
	}
	require.Equal(t, secret, read(t, device(t, d, v), 0, int64(len(secret))))
	require.NoError(t, d.DeleteSnapshot(t.Context(), snap), lv)
	require.Zero(t, secrets(t))
}

// Attempts of one step don't overlap, whichever process they are in (data-safety rule 1).
func TestInsideThickLocks(t *testing.T) {
	freshGroup(t)
	cfg := config(t, thick)
	one, other := open(t, cfg), open(t, cfg)
	src, v := drivertest.NewVolume(16<<20), drivertest.NewVolume(16<<20)
	_, err := one.CreateVolume(t.Context(), src)
	require.NoError(t, err)
	inside := make(chan struct{})
	carryOn := make(chan struct{})
	first := true
	done := make(chan error)
	go func() {
		_, err := one.CloneVolume(drivers.WithProgress(t.Context(), func(_, _ drivers.Bytes) {
			if first {
				first = false
				close(inside)
				<-carryOn
			}
		}), v, src)
		done <- err
	}()
	<-inside
	for _, locked := range []drivers.Volume{v, src} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := other.DeleteVolume(ctx, locked)
		cancel()
		assert.ErrorIs(t, err, drivers.ErrBusy)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	}
	close(carryOn)
	require.NoError(t, <-done)
	found, err := other.FindVolume(t.Context(), v.ID)
	require.NoError(t, err)
	require.Equal(t, v.Size, found.Size)
	require.Len(t, names(t, other), 2)
}
