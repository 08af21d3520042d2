package seal_test

import (
	"bytes"
	"fmt"
	"testing"

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
