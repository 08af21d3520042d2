package backups_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/mem"
)

// Any bit of any object flipped, an object missing or cut short: a restore says which, where, or gives back what was
// backed up; it never presents bad data as good. A verification finds the same.
func TestDamage(t *testing.T) {
	full := join(random(mib), make([]byte, 7*mib), text(mib))
	now := bytes.Clone(full)
	copy(now[mib/2:], random(mib))
	dirty := foreign(len(now))
	for _, k := range []*backups.Key{nil, key(t)} {
		s := mem.New()
		for id, c := range map[string]struct {
			data   []byte
			parent string
		}{"a": {full, ""}} {
			_, err := backups.Create(t.Context(), s, backups.Bytes(c.data), backups.CreateOptions{ID: id, Parent: c.parent, Size: int64(len(c.data)), BlockSize: 4096, Key: k})
			require.NoError(t, err)
		}
		_, err := backups.Create(t.Context(), s, backups.Bytes(now), backups.CreateOptions{ID: "b", Parent: "a", Size: int64(len(now)), Key: k})
		require.NoError(t, err)

		harms := map[string]func([]byte) []byte{
			"missing": func([]byte) []byte { return nil },
			"empty":   func([]byte) []byte { return []byte{} },
			"cut":     func(b []byte) []byte { return b[:rand.IntN(len(b))] },
		}
		for i := range 12 {
			harms[fmt.Sprint("bit ", i)] = func(b []byte) []byte { b[rand.IntN(len(b))] ^= 1 << rand.IntN(8); return b }
		}
		for _, name := range objects(t, s) {
			for harm, f := range harms {
				whole, err := backups.ReadAll(t.Context(), s, name, 1<<30)
				require.NoError(t, err)
				s.Change(name, f)
				harmless(t, s, k, now, dirty, name, harm)
				s.Change(name, func([]byte) []byte { return whole })
			}
		}
		require.True(t, bytes.Equal(now, restored(t, s, "b", len(now), k)), "whole again")
	}
}

// harmless fails if the damaged backup is presented as good without being so.
func harmless(t *testing.T, s *mem.Store, k *backups.Key, want, dirty []byte, name, harm string) {
	t.Helper()
	to := backups.Bytes(bytes.Clone(dirty))
	_, err := backups.Restore(t.Context(), s, "b", to, backups.RestoreOptions{Key: k})
	_, damages, verr := backups.Verify(t.Context(), s, "b", backups.RestoreOptions{Key: k})
	if err == nil {
		require.True(t, bytes.Equal(want, to), "%s of %s: bad data as good", harm, name)
		require.NoError(t, verr)
		require.Empty(t, damages)
		return
	}
	var d *backups.DamageError
	if errors.As(err, &d) && !strings.HasSuffix(name, "manifest") {
		require.Equal(t, name, d.Key, harm)
	}
	require.True(t, verr != nil || len(damages) > 0, "%s of %s: the verification saw nothing", harm, name)
}

// A verification tells all that is lost, not the first of it.
func TestVerifyTellsAll(t *testing.T) {
	data := random(40 * mib)
	s := mem.New()
	_, err := backups.Create(t.Context(), s, backups.Bytes(data), backups.CreateOptions{ID: "b", Size: int64(len(data)), Compression: backups.NoCompression})
	require.NoError(t, err)
	var packs []string
	for _, name := range objects(t, s) {
		if strings.Contains(name, "pack") {
			packs = append(packs, name)
		}
	}
	require.Greater(t, len(packs), 2)
	s.Change(packs[0], func(b []byte) []byte { b[10] ^= 1; return b })
	s.Change(packs[1], func(b []byte) []byte { b[10*mib] ^= 1; return b })
	_, damages, err := backups.Verify(t.Context(), s, "b", backups.RestoreOptions{})
	require.NoError(t, err)
	require.Len(t, damages, 2)
	require.Equal(t, int64(0), damages[0].VolumeOffset)
	require.Equal(t, packs[0], damages[0].Key)
	require.Equal(t, packs[1], damages[1].Key)
	require.Equal(t, int64(26*mib), damages[1].VolumeOffset)
	require.ErrorContains(t, damages[1], "volume at byte 27262976")
}

func TestWrongKey(t *testing.T) {
	s := mem.New()
	k := key(t)
	_, err := backups.Create(t.Context(), s, backups.Bytes(random(mib)), backups.CreateOptions{ID: "b", Size: mib, Key: k})
	require.NoError(t, err)
	for _, wrong := range []*backups.Key{nil, key(t)} {
		to := backups.Bytes(make([]byte, mib))
		_, err := backups.Restore(t.Context(), s, "b", to, backups.RestoreOptions{Key: wrong})
		require.ErrorIs(t, err, backups.ErrKey)
		require.ErrorContains(t, err, k.ID, "it says which key it needs")
		require.True(t, bytes.Equal(make([]byte, mib), to), "nothing was written")
	}
}
