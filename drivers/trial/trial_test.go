package trial_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/dir"
	"github.com/clinker-storage/clinker/drivers/fake"
	"github.com/clinker-storage/clinker/drivers/targets"
	targetfake "github.com/clinker-storage/clinker/drivers/targets/fake"
	"github.com/clinker-storage/clinker/drivers/trial"
	"github.com/clinker-storage/clinker/models"
)

func folder(t *testing.T) (drivers.Driver, string) {
	path := t.TempDir()
	d, err := dir.New(t.Context(), drivers.Config{Backend: "local", Options: map[string]string{"dir_path": path}, CloudID: "c"})
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d, path
}

func states(r trial.Report) map[string]trial.State {
	m := map[string]trial.State{}
	for _, s := range r.Steps {
		m[s.Name] = s.State
	}
	return m
}

// volumes lists what is left at the backend.
func volumes(t *testing.T, d drivers.Driver) (names []string) {
	for v, err := range d.Volumes(context.Background()) {
		require.NoError(t, err)
		names = append(names, v.Name)
	}
	return names
}

func TestGoodBackend(t *testing.T) {
	d, _ := folder(t)
	var told []trial.Step
	r := trial.Run(t.Context(), d, trial.Options{Size: 8 << 20, CloudID: "c", Done: func(s trial.Step) { told = append(told, s) }})
	require.True(t, r.OK(), "%+v", r)
	require.Equal(t, r.Steps, told)
	s := states(r)
	require.Equal(t, trial.OK, s["write and read it"])
	require.Equal(t, trial.OK, s["a volume from the snapshot"])
	require.Equal(t, trial.Skipped, s["export it"])
	require.Equal(t, trial.OK, s["delete everything"])
	require.Empty(t, volumes(t, d))
}

func TestQuick(t *testing.T) {
	d, path := folder(t)
	r := trial.Run(t.Context(), d, trial.Options{Quick: true})
	require.True(t, r.OK())
	require.Len(t, r.Steps, 2)
	require.Empty(t, volumes(t, d))
	require.DirExists(t, path)
}

// Whatever fails, the trial says what, with the hint, ends, and leaves nothing.
func TestFailingSteps(t *testing.T) {
	broken := &drivers.Error{Op: "x", Driver: "fake", Err: drivers.ErrUnavailable, Hint: "mend it"}
	for call, step := range map[string]string{
		"Check": "tools, rights, storage there", "Stats": "statistics", "CreateVolume": "create a volume", "FindVolume": "find it", "ExtendVolume": "extend it",
		"CreateSnapshot": "snapshot it", "CreateFromSnapshot": "a volume from the snapshot", "CloneVolume": "clone it",
	} {
		t.Run(call, func(t *testing.T) {
			d := fake.New(fake.Options{})
			d.Plan(fake.Fault{Op: call, Nth: 1, Err: broken})
			r := trial.Run(t.Context(), plain{d, t.TempDir()}, trial.Options{Size: 8 << 20})
			require.False(t, r.OK())
			var failed []trial.Step
			for _, s := range r.Steps {
				if s.State == trial.Failed {
					failed = append(failed, s)
				}
			}
			require.Len(t, failed, 1)
			require.Equal(t, step, failed[0].Name)
			require.Equal(t, "mend it", failed[0].Hint)
			require.Empty(t, volumes(t, d))
		})
	}
}

// plain gives the fake's volumes a format that is not opened.
type plain struct {
	*fake.Driver
	dir string
}

func (p plain) Source(context.Context, drivers.Volume) (drivers.Source, error) {
	return drivers.Source{Path: filepath.Join(p.dir, "none"), Format: "qcow2"}, nil
}

// covering puts a file of another format on top of a volume with each snapshot, as drivers on shares do.
type covering struct {
	*dir.Driver
	cover string
	of    string // the volume
}

func (c *covering) CreateSnapshot(ctx context.Context, s drivers.Snapshot) (drivers.Snapshot, error) {
	s, err := c.Driver.CreateSnapshot(ctx, s)
	c.of = s.Volume.ID
	return s, err
}

func (c *covering) Source(ctx context.Context, v drivers.Volume) (drivers.Source, error) {
	if v.ID == c.of {
		return drivers.Source{Path: c.cover, Format: "qcow2"}, nil
	}
	return c.Driver.Source(ctx, v)
}

func TestSnapshotChangesTheFormat(t *testing.T) {
	d, _ := folder(t)
	c := &covering{Driver: d.(*dir.Driver), cover: filepath.Join(t.TempDir(), "cover")}
	header := make([]byte, 16<<20)
	require.NoError(t, os.WriteFile(c.cover, header, 0o600))
	r := trial.Run(t.Context(), c, trial.Options{Size: 8 << 20, CloudID: "c"})
	require.True(t, r.OK(), "%+v", r)
	s := states(r)
	for _, name := range []string{"write and read it", "snapshot it", "a volume from the snapshot", "clone it"} {
		require.Equal(t, trial.OK, s[name], name)
	}
	got, err := os.ReadFile(c.cover)
	require.NoError(t, err)
	require.True(t, bytes.Equal(header, got), "raw bytes were written over the header")
	require.Empty(t, volumes(t, d))
}

// liar gives back something else than was written.
type liar struct{ drivers.Driver }

func (l liar) Source(ctx context.Context, v drivers.Volume) (drivers.Source, error) {
	src, err := l.Driver.Source(ctx, v)
	if err == nil {
		err = os.Truncate(src.Path, 0)
	}
	if err == nil {
		err = os.Truncate(src.Path, int64(v.Size))
	}
	return src, err
}

func TestLostData(t *testing.T) {
	d, _ := folder(t)
	r := trial.Run(t.Context(), liar{d}, trial.Options{Size: 8 << 20, CloudID: "c"})
	require.Equal(t, trial.Failed, states(r)["write and read it"])
	require.Empty(t, volumes(t, d))
}

func TestExport(t *testing.T) {
	d, _ := folder(t)
	cfg, err := targets.Configure("local", map[string]string{"target_ip_address": "127.0.0.1"}, t.TempDir(), nil)
	require.NoError(t, err)
	target, err := targetfake.Factory(t.Context(), cfg)
	require.NoError(t, err)
	defer target.Close()
	var out int
	o := trial.Options{Size: 8 << 20, CloudID: "c", Target: target, Connector: models.Connector{Initiator: "iqn.2026-01.test:host", Host: "h"}}
	o.Login = func(ctx context.Context, info models.ConnectionInfo) (string, func(context.Context) error, error) {
		require.Equal(t, "iscsi", info.DriverVolumeType)
		for v, err := range d.Volumes(ctx) {
			require.NoError(t, err)
			if "iqn.2010-10.org.openstack:"+v.Name == info.Data["target_iqn"] {
				src, err := d.Source(ctx, v)
				return src.Path, func(context.Context) error { out++; return nil }, err
			}
		}
		return "", nil, errors.New("no such export")
	}
	r := trial.Run(t.Context(), d, o)
	require.True(t, r.OK(), "%+v", r)
	require.Equal(t, trial.OK, states(r)["log in and read it"])
	require.Equal(t, 1, out)
	for _, err := range target.Exports(t.Context()) {
		require.NoError(t, err)
		t.Fatal("an export is left")
	}
	require.Empty(t, volumes(t, d))

	o.Login = nil
	require.Equal(t, trial.Skipped, states(trial.Run(t.Context(), d, o))["log in and read it"])
}

// An interrupted trial takes away what it made.
func TestInterrupted(t *testing.T) {
	d, _ := folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := trial.Run(ctx, d, trial.Options{Size: 8 << 20, CloudID: "c", Done: func(s trial.Step) {
		if s.Name == "snapshot it" {
			cancel()
		}
	}})
	require.False(t, r.OK())
	require.Empty(t, volumes(t, d))
}
