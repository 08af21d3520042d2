package cinder_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/cinder"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
)

const size = 1 << 30

// recorded is what a real Cinder 21.3.1 wrote: for each algorithm a full backup and an incremental one, in which one block turned
// from data to zero and one from zero to data.
type recorded struct {
	Algo              string
	Full, Incremental backup
}

type backup struct {
	ID     string
	Device string `json:"device_sha256"`
	Record struct {
		Record struct {
			URL string `json:"backup_url"`
		} `json:"backup-record"`
	}
}

func unpacked(t *testing.T) (folder string, all []recorded) {
	folder = t.TempDir()
	f, err := os.Open("testdata/cinder-21.3.1-posix.tar.zst")
	require.NoError(t, err)
	defer f.Close()
	z, err := zstd.NewReader(f)
	require.NoError(t, err)
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		path := filepath.Join(folder, h.Name)
		if h.Typeflag == tar.TypeDir {
			require.NoError(t, os.MkdirAll(path, 0o700))
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		out, err := os.Create(path)
		require.NoError(t, err)
		_, err = io.Copy(out, r)
		require.NoError(t, err)
		require.NoError(t, out.Close())
	}
	b, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &all))
	require.Len(t, all, 3)
	return filepath.Join(folder, "store"), all
}

func open(t *testing.T, s backups.Store, b backup) *cinder.Backup {
	r, err := cinder.ParseURL(b.Record.Record.URL)
	require.NoError(t, err)
	require.Equal(t, b.ID, r.ID)
	c, err := cinder.Open(t.Context(), s, r, true)
	require.NoError(t, err)
	require.NotEmpty(t, c.Volume.ID)
	require.Equal(t, int64(1), c.Volume.SizeGiB)
	return c
}

// device makes a target, new and sparse or full of other data.
func device(t *testing.T, path string, used bool) *backups.Device {
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(size))
	if used {
		piece := bytes.Repeat([]byte("former tenant's. "), 1<<12)
		for off := int64(0); off+int64(len(piece)) < size; off += 3 << 20 {
			_, err := f.WriteAt(piece, off)
			require.NoError(t, err)
		}
	}
	require.NoError(t, f.Close())
	d, err := backups.OpenTarget(path, size, !used)
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func hash(t *testing.T, path string) string {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(t, err)
	return hex.EncodeToString(h.Sum(nil))
}

func TestRecordedBackups(t *testing.T) {
	folder, all := unpacked(t)
	s := posix.New(folder)
	path := filepath.Join(t.TempDir(), "device")
	one := all[1]
	if raced {
		all = nil // tests/run.sh restores them without the detector
	}
	for i, x := range all {
		full, incr := open(t, s, x.Full), open(t, s, x.Incremental)
		if i == 0 { // the incremental's restore begins with the full one's
			const all = 1 << 40
			limit := rate.NewLimiter(1e-3, all)
			require.NoError(t, cinder.Restore(t.Context(), s, []*cinder.Backup{full}, device(t, path, true), backups.RestoreOptions{Limit: limit}))
			require.Less(t, limit.Tokens(), float64(all), "what is read counts")
			require.Equal(t, x.Full.Device, hash(t, path), x.Algo)
		}
		require.NoError(t, cinder.Restore(t.Context(), s, []*cinder.Backup{full, incr}, device(t, path, i == 1), backups.RestoreOptions{}))
		require.Equal(t, x.Incremental.Device, hash(t, path), "%s, with the incremental", x.Algo)

		require.ErrorIs(t, cinder.Restore(t.Context(), s, []*cinder.Backup{incr}, device(t, path, false), backups.RestoreOptions{}), drivers.ErrInvalid)
		require.ErrorIs(t, cinder.Restore(t.Context(), s, []*cinder.Backup{incr, full}, device(t, path, false), backups.RestoreOptions{}), drivers.ErrInvalid)
		require.ErrorIs(t, cinder.Restore(t.Context(), s, nil, device(t, path, false), backups.RestoreOptions{}), drivers.ErrInvalid)
	}
	if !raced {
		t.Run("goes on", func(t *testing.T) { goesOn(t, s, one, path) })
	}
	t.Run("damage", func(t *testing.T) { damage(t, s, folder, one, path) })
}

// A restore that is cut off at any moment goes on, and is right in the end.
func goesOn(t *testing.T, s backups.Store, x recorded, path string) {
	chain := []*cinder.Backup{open(t, s, x.Full), open(t, s, x.Incremental)}
	state := backups.StateFile(filepath.Join(t.TempDir(), "restore"))
	d := device(t, path, true)
	var resumed int64
	for tries := 0; ; tries++ {
		require.Less(t, tries, 50)
		ctx, cancel := context.WithCancel(t.Context())
		most := int64(200+rand.IntN(300)) << 20
		err := cinder.Restore(ctx, s, chain, d, backups.RestoreOptions{State: state, Progress: func(p backups.Progress) {
			resumed = max(resumed, p.Resumed)
			if p.Moved > most {
				cancel()
			}
		}})
		cancel()
		if err == nil {
			break
		}
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Positive(t, resumed)
	require.Equal(t, x.Incremental.Device, hash(t, path))
}

// A chunk that is missing, cut or changed is told, never written as good.
func damage(t *testing.T, s backups.Store, folder string, x recorded, path string) {
	r, err := cinder.ParseURL(x.Full.Record.Record.URL)
	require.NoError(t, err)
	name := filepath.Join(folder, r.Container, r.ServiceMetadata+"-00001")
	whole, err := os.ReadFile(name)
	require.NoError(t, err)
	for what, harm := range map[string][]byte{"cut": whole[:len(whole)/2], "empty": {}, "changed": append(bytes.Clone(whole[:len(whole)-9]), "otherwise"...)} {
		require.NoError(t, os.WriteFile(name, harm, 0o600))
		c, err := cinder.Open(t.Context(), s, r, true)
		require.NoError(t, err)
		err = cinder.Restore(t.Context(), s, []*cinder.Backup{c}, device(t, path, false), backups.RestoreOptions{})
		require.ErrorIs(t, err, backups.ErrDamaged, what)
		require.ErrorContains(t, err, r.ServiceMetadata+"-00001", what)
	}
	require.NoError(t, os.Remove(name))
	_, err = cinder.Open(t.Context(), s, r, true)
	require.ErrorIs(t, err, backups.ErrDamaged)
	require.NoError(t, os.WriteFile(name, whole, 0o600))
	meta := filepath.Join(folder, r.Container, r.ServiceMetadata+"_metadata")
	b, err := os.ReadFile(meta)
	require.NoError(t, err)
	for what, text := range map[string]string{
		"cut": string(b[:len(b)/2]), "another's": strings.ReplaceAll(string(b), r.ID, "915aafd7-3cca-46c3-ba41-000000000000"),
		"hostile name": strings.Replace(string(b), r.ServiceMetadata+"-00001", "../../../../etc/passwd", 1),
		"beyond":       strings.Replace(string(b), `"offset": 0`, `"offset": 1073741824`, 1), "version": strings.Replace(string(b), "1.0.0", "9.0.0", 1),
	} {
		require.NoError(t, os.WriteFile(meta, []byte(text), 0o600))
		_, err = cinder.Open(t.Context(), s, r, true)
		require.Error(t, err, what)
		require.True(t, errors.Is(err, backups.ErrDamaged) || errors.Is(err, drivers.ErrInvalid) || errors.Is(err, backups.ErrVersion), "%s: %v", what, err)
	}
}

func TestParseURL(t *testing.T) {
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, url := range []string{"", "%%%", encode("no json"), encode("{}"), encode(`{"id":"x"}`), encode(`{"id":"x","size":-1}`), encode(`{"id":1,"size":1}`), encode(`{"id":"x","size":8589934592}`)} {
		_, err := cinder.ParseURL(url)
		require.ErrorIs(t, err, drivers.ErrInvalid, url)
	}
	r, err := cinder.ParseURL(encode(`{"id":"x","size":2,"parent_id":null,"metadata":{"a":"b"}}`))
	require.NoError(t, err)
	require.Equal(t, cinder.Record{ID: "x", Size: 2, Metadata: map[string]string{"a": "b"}}, r)
}

func FuzzParseURL(f *testing.F) {
	f.Add(base64.StdEncoding.EncodeToString([]byte(`{"id":"x","size":2}`)))
	f.Fuzz(func(t *testing.T, url string) {
		if r, err := cinder.ParseURL(url); err == nil && (r.ID == "" || r.Size<<30 <= 0) {
			t.Fatal(r)
		}
	})
}
