package sharefs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
	"github.com/clinker-storage/clinker/internal/execx"
)

// recorder runs programs and writes down how.
type recorder struct {
	execx.Exec
	mu    sync.Mutex
	calls []execx.Command
}

func (r *recorder) Run(ctx context.Context, c execx.Command) (execx.Result, error) {
	r.mu.Lock()
	r.calls = append(r.calls, c)
	r.mu.Unlock()
	return r.Exec.Run(ctx, c)
}

// Data-safety rule 9, the lint: whatever is done, no qemu-img is left to guess a format, and each holds the step's lock.
func TestFormatsAreAlwaysSaid(t *testing.T) {
	for _, options := range []map[string]string{nil, {"nas_volume_prov_type": "thick"}, {"glusterfs_qcow2_volumes": "true"}} {
		run := &recorder{}
		d := newDriver(t, config(t, "one:/vol", options), run)
		v, snaps, held, _ := history(t, d)
		holds(t, d, snaps[1], held[1])
		clone := drivertest.NewVolume(4 * mib)
		_, err := d.CloneVolume(t.Context(), clone, v)
		require.NoError(t, err)
		require.NoError(t, d.ExtendVolume(t.Context(), v, 4*mib))
		require.NoError(t, d.RevertToSnapshot(t.Context(), v, snaps[2]))
		for _, s := range snaps {
			require.NoError(t, d.DeleteSnapshot(t.Context(), s))
		}
		verbs := map[string]bool{}
		for _, c := range run.calls {
			if c.Name != "qemu-img" {
				require.Equal(t, "mount", c.Name)
				continue
			}
			verb := c.Args[0]
			verbs[verb] = true
			line := c.String()
			require.Contains(t, c.Args, "-f", line)
			require.NotContains(t, c.Args, "-U", line)
			if slices.Contains(c.Args, "-b") {
				require.Contains(t, c.Args, "-F", line)
			}
			if verb == "convert" {
				require.Contains(t, c.Args, "-O", line)
			}
			require.Len(t, c.Hold, 1, line)
			require.Regexp(t, `^/proc/\d+/fd/\d+$`, c.Dir, line)
		}
		for _, verb := range []string{"create", "commit", "rebase", "convert", "resize"} {
			require.True(t, verbs[verb], "%s was never run", verb)
		}
	}
}

// hostile makes headers that lead out of the volume.
func hostileHeaders(t *testing.T, point, volume string) map[string]func(file string) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, bytes.Repeat([]byte("secret"), 1000), 0o600))
	img := func(args ...string) {
		out, err := exec.Command("qemu-img", args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	over := func(backing, format string) func(string) {
		return func(file string) {
			img("create", "-q", "-u", "-f", "qcow2", "-F", format, "-b", backing, file, "2M")
		}
	}
	patch := func(at int64, value []byte) func(string) {
		return func(file string) {
			img("create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", volume, file, "2M")
			f, err := os.OpenFile(file, os.O_RDWR, 0)
			require.NoError(t, err)
			defer f.Close()
			_, err = f.WriteAt(value, at)
			require.NoError(t, err)
		}
	}
	return map[string]func(string){
		"absolute":       over(secret, "raw"),
		"upwards":        over("../secret", "raw"),
		"protocol":       over("nbd://198.18.0.1/x", "raw"),
		"json":           over(`json:{"driver":"file","filename":"/etc/passwd"}`, "raw"),
		"another volume": over("volume-99999999-2222-3333-4444-555555555555", "raw"),
		"another format": over(volume, "qcow2"),
		"external data file": func(file string) {
			img("create", "-q", "-f", "qcow2", "-o", "data_file="+secret+".d,data_file_raw=on", file, "2M")
		},
		"no backing file":  func(file string) { img("create", "-q", "-f", "qcow2", file, "2M") },
		"no header":        func(file string) { require.NoError(t, os.WriteFile(file, make([]byte, 4096), 0o660)) },
		"cut off":          func(file string) { require.NoError(t, os.WriteFile(file, []byte("QFI\xfb\x00\x00\x00\x03"), 0o660)) },
		"encrypted":        patch(32, []byte{0, 0, 0, 1}),
		"version":          patch(4, []byte{0, 0, 0, 9}),
		"unknown feature":  patch(72, binary.BigEndian.AppendUint64(nil, 1<<40)),
		"marked corrupt":   patch(72, binary.BigEndian.AppendUint64(nil, 1<<1)),
		"backing name far": patch(8, binary.BigEndian.AppendUint64(nil, 1<<50)),
	}
}

// Data-safety rule 9: a header that names anything but the volume's own files is refused by whatever would open it.
func TestHostileHeaders(t *testing.T) {
	d, point := simple(t, nil)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(2*mib))
	require.NoError(t, err)
	s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
	require.NoError(t, err)
	active := filepath.Join(point, v.Name+"."+s.ID)
	for name, make := range hostileHeaders(t, point, v.Name) {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.Remove(active))
			make(active)
			_, source := d.Source(t.Context(), v)
			_, clone := d.CloneVolume(t.Context(), drivertest.NewVolume(2*mib), v)
			_, from := d.CreateFromSnapshot(t.Context(), drivertest.NewVolume(2*mib), s)
			_, snap := d.CreateSnapshot(t.Context(), newSnapshot(v))
			_, open := d.OpenSnapshot(t.Context(), s)
			for what, err := range map[string]error{
				"open snapshot": open,
				"source":        source, "clone": clone, "from snapshot": from, "snapshot": snap, "extend": d.ExtendVolume(t.Context(), v, 4*mib),
				"revert": d.RevertToSnapshot(t.Context(), v, s), "delete snapshot": d.DeleteSnapshot(t.Context(), s),
			} {
				require.Error(t, err, what)
				require.NotErrorIs(t, err, drivers.ErrNotFound, what)
				require.NotErrorIs(t, err, drivers.ErrBusy, what)
			}
			require.Equal(t, []string{v.Name}, list(t, d), "it is still to be seen")
		})
	}
}

// What a guest writes into its raw volume stays bytes: nothing looks into them to find out what the file is.
func TestGuestWritesHeader(t *testing.T) {
	d, point := simple(t, nil)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(2*mib))
	require.NoError(t, err)
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, bytes.Repeat([]byte("secret"), 400_000), 0o600))
	evil := filepath.Join(t.TempDir(), "evil")
	out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", secret, evil).CombinedOutput()
	require.NoError(t, err, string(out))
	header, err := os.ReadFile(evil)
	require.NoError(t, err)
	sharetest.Write(t, d, v, 0, header)
	want := sharetest.Read(t, d, v)
	s, err := d.CreateSnapshot(t.Context(), newSnapshot(v))
	require.NoError(t, err)
	clone := drivertest.NewVolume(2 * mib)
	_, err = d.CloneVolume(t.Context(), clone, v)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, sharetest.Read(t, d, clone)))
	holds(t, d, s, want)
	read, _ := readOpen(t, d, s)
	require.True(t, bytes.Equal(want, read))
	require.NoError(t, d.DeleteSnapshot(t.Context(), s))
	require.NoError(t, d.ExtendVolume(t.Context(), v, 4*mib))
	require.True(t, bytes.Equal(want, sharetest.Read(t, d, v)[:2*mib]))

	// And adopted again it must be said what it is.
	v.Size = 4 * mib
	ref, err := d.Release(t.Context(), v)
	require.NoError(t, err)
	_, err = d.Adopt(t.Context(), v, ref)
	require.ErrorIs(t, err, drivers.ErrInvalid)
	require.ErrorContains(t, err, "raw:")
	_, err = d.Adopt(t.Context(), v, "qcow2:"+ref)
	require.ErrorIs(t, err, drivers.ErrInvalid, "it names a backing file")
	v, err = d.Adopt(t.Context(), v, "raw:"+ref)
	require.NoError(t, err)
	require.Equal(t, drivers.Bytes(4*mib), v.Size)
	require.FileExists(t, filepath.Join(point, v.Name))
}

// A record that leads elsewhere is refused.
func TestHostileRecords(t *testing.T) {
	d, point := simple(t, nil)
	v, err := d.CreateVolume(t.Context(), drivertest.NewVolume(2*mib))
	require.NoError(t, err)
	info := filepath.Join(point, v.Name+".info")
	good, err := os.ReadFile(info)
	require.NoError(t, err)
	id := newSnapshot(v).ID
	for _, change := range []map[string]string{
		{"active": "../../etc/passwd"},
		{"active": "/etc/passwd"},
		{"active": ""},
		{"active": "volume-" + id},
		{id: "../x"},
		{"clinker.format": "vmdk"},
		{"clinker.pending": "delete ../x y"},
		{"clinker.pending": "format " + id},
		{"clinker.size": "many"},
	} {
		var all map[string]string
		require.NoError(t, json.Unmarshal(good, &all))
		for key, value := range change {
			all[key] = value
		}
		text, err := json.Marshal(all)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(info, text, 0o660))
		_, err = d.Source(t.Context(), v)
		require.ErrorIs(t, err, drivers.ErrUnavailable, "%v", change)
		require.ErrorIs(t, d.DeleteVolume(t.Context(), v), drivers.ErrUnavailable, "%v", change)
		require.FileExists(t, filepath.Join(point, v.Name))
	}
	damagedIsListed(t, d, v)
	require.NoError(t, os.WriteFile(info, good, 0o660))
	require.NoError(t, d.DeleteVolume(t.Context(), v))
}

// A volume whose record says nothing is there for certain, and what is known of the others does not depend on it.
func damagedIsListed(t *testing.T, d *sharefs.Driver, damaged drivers.Volume) {
	t.Helper()
	other, err := d.CreateVolume(t.Context(), drivertest.NewVolume(3*mib))
	require.NoError(t, err)
	sizes := map[string]drivers.Bytes{}
	for v, err := range d.Volumes(t.Context()) {
		require.NoError(t, err)
		sizes[v.ID] = v.Size
	}
	require.Equal(t, map[string]drivers.Bytes{damaged.ID: damaged.Size, other.ID: other.Size}, sizes)
	_, err = d.FindVolume(t.Context(), damaged.ID)
	require.ErrorIs(t, err, drivers.ErrUnavailable, "what it is made of is not known")
	require.ErrorContains(t, err, damaged.Name+".info")
	reasons := map[string]string{}
	for a, err := range d.Adoptables(t.Context()) {
		require.NoError(t, err)
		reasons[a.ID] = a.Reason
	}
	require.Contains(t, reasons[damaged.ID], damaged.Name+".info")
	require.NoError(t, d.DeleteVolume(t.Context(), other))
}

// A share without room: what does not fit is refused before anything is damaged, and leaves nothing.
func TestFullShare(t *testing.T) {
	d, point := simple(t, nil)
	v, snaps, held, now := history(t, d)
	clonable, err := d.CreateVolume(t.Context(), drivertest.NewVolume(16*mib))
	require.NoError(t, err)
	sharetest.Write(t, d, clonable, 0, bytes.Repeat([]byte{1}, 16*mib))
	var st unix.Statfs_t
	require.NoError(t, unix.Statfs(point, &st))
	filler, err := os.Create(filepath.Join(point, "filler"))
	require.NoError(t, err)
	defer filler.Close()
	require.NoError(t, unix.Fallocate(int(filler.Fd()), 0, 0, int64(st.Bavail)*st.Bsize-32<<10))
	before := files(t, point)

	thick := drivertest.NewVolume(16 * mib)
	thick.Provisioning = "thick"
	_, create := d.CreateVolume(t.Context(), thick)
	_, clone := d.CloneVolume(t.Context(), drivertest.NewVolume(16*mib), clonable)
	_, snap := d.CreateSnapshot(t.Context(), newSnapshot(v))
	_, chain := d.CreateFromSnapshot(t.Context(), drivertest.NewVolume(2*mib), snaps[2])
	for what, err := range map[string]error{
		"create": create, "clone": clone, "snapshot": snap, "from snapshot": chain, "delete snapshot": d.DeleteSnapshot(t.Context(), snaps[1]),
	} {
		require.ErrorIs(t, err, drivers.ErrNoSpace, what)
		require.Contains(t, hintOf(t, err), "one:/vol", what)
	}
	require.Equal(t, before, files(t, point))
	require.NoError(t, os.Remove(filler.Name()))
	require.NoError(t, filler.Close())
	require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))
	for n, s := range snaps {
		holds(t, d, s, held[n])
		require.NoError(t, d.DeleteSnapshot(t.Context(), s))
	}
}

// A program that is killed in the middle of a merge, with the room gone meanwhile: the next step says so, the volume is whole.
func TestFailedMerge(t *testing.T) {
	run := &failing{verb: "commit"}
	d := newDriver(t, config(t, "one:/vol", nil), run)
	v, snaps, held, now := history(t, d)
	run.on = true
	require.ErrorIs(t, d.DeleteSnapshot(t.Context(), snaps[1]), drivers.ErrNoSpace)
	require.ErrorIs(t, d.ExtendVolume(t.Context(), v, 4*mib), drivers.ErrNoSpace, "first things first")
	require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)))
	holds(t, d, snaps[0], held[0])
	_, err := d.CreateFromSnapshot(t.Context(), drivertest.NewVolume(2*mib), snaps[1])
	require.ErrorIs(t, err, drivers.ErrNotFound, "it may hold anything by now")
	run.on = false
	require.NoError(t, d.ExtendVolume(t.Context(), v, 4*mib))
	require.True(t, bytes.Equal(now, sharetest.Read(t, d, v)[:2*mib]))
	holds(t, d, snaps[2], held[2])
}

// failing lets one qemu-img command run half and then fail.
type failing struct {
	execx.Exec
	verb string
	on   bool
}

func (f *failing) Run(ctx context.Context, c execx.Command) (execx.Result, error) {
	result, err := f.Exec.Run(ctx, c)
	if f.on && c.Name == "qemu-img" && c.Args[0] == f.verb {
		return result, &execx.ExitError{Command: c.String(), ExitCode: 1, Stderr: "qemu-img: Block job failed: No space left on device"}
	}
	return result, err
}
