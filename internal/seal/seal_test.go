package seal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/seal"
)

func TestSeal(t *testing.T) {
	key, err := seal.NewKey()
	require.NoError(t, err)
	other, err := seal.NewKey()
	require.NoError(t, err)
	secret := map[string]string{"auth_password": "7x9kq2mw"}
	one, err := seal.Seal(key.Public(), secret)
	require.NoError(t, err)
	two, err := seal.Seal(key.Public(), secret)
	require.NoError(t, err)
	require.NotEqual(t, one, two, "a key of its own for each box")
	require.False(t, bytes.Contains(one, []byte("7x9kq2mw")))

	var got map[string]string
	require.NoError(t, key.Open(one, &got))
	require.Equal(t, secret, got)
	got = nil
	require.ErrorIs(t, other.Open(one, &got), seal.ErrSealed)
	one[len(one)-1] ^= 1
	require.ErrorIs(t, key.Open(one, &got), seal.ErrSealed)
	require.ErrorIs(t, key.Open(nil, &got), seal.ErrSealed)
	require.Nil(t, got)
}

func TestKeys(t *testing.T) {
	key, err := seal.NewKey()
	require.NoError(t, err)
	require.Equal(t, "*** *** ***", fmt.Sprintf("%v %+v %#v", key, key, key))
	_, err = seal.Seal(key.Public()[1:], "x")
	require.Error(t, err)
	_, err = seal.Seal(nil, "x")
	require.Error(t, err)
	_, err = seal.Seal(key.Public(), make(chan int))
	require.Error(t, err)
}

func TestLoadKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "host.key")
	keys := make([]seal.Key, 8)
	var started sync.WaitGroup
	for i := range keys { // processes that start at once
		started.Go(func() {
			k, err := seal.LoadKey(path)
			assert.NoError(t, err)
			keys[i] = k
		})
	}
	started.Wait()
	box, err := seal.Seal(keys[0].Public(), "secret")
	require.NoError(t, err)
	for _, k := range keys {
		var got string
		require.NoError(t, k.Open(box, &got))
		require.Equal(t, "secret", got)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, os.Chmod(path, 0o640))
	_, err = seal.LoadKey(path)
	require.ErrorContains(t, err, "mode 0640")
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.Truncate(path, 10))
	_, err = seal.LoadKey(path)
	require.ErrorContains(t, err, "holds no key")
}
