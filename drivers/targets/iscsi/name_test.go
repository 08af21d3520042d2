package iscsi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

func TestIQN(t *testing.T) {
	for name, want := range map[string]string{
		"volume-0F7D":            "iqn.2010-10.org.openstack:volume-0f7d",
		"_snapshot-1":            "iqn.2010-10.org.openstack:.snapshot-1",
		"vol_a+b.c":              "iqn.2010-10.org.openstack:vol.a.b.c",
		"with space":             "",
		"übel":                   "",
		"../x":                   "",
		strings.Repeat("x", 220): "",
	} {
		got, err := IQN("iqn.2010-10.org.openstack:", name)
		require.Equal(t, want, got, name)
		if want == "" {
			require.ErrorIs(t, err, drivers.ErrInvalid, name)
		}
	}
	_, err := IQN("openstack:", "volume-1")
	require.ErrorIs(t, err, drivers.ErrInvalid, "a prefix that is none")
}

func TestCheckInitiator(t *testing.T) {
	for name, good := range map[string]bool{
		"iqn.1994-05.com.redhat:f3a1":     true,
		"iqn.1994-05.com.redhat:Host-A":   true,
		"eui.02004567A425678D":            true,
		"naa.52004567BA64678D":            true,
		"":                                false,
		"*":                               false,
		"host-a":                          false,
		"iqn.x/y":                         false,
		"iqn.x,initiator-address=ALL":     false,
		"iqn.x\x00":                       false,
		"iqn.":                            false,
		"iqn." + strings.Repeat("x", 220): false,
	} {
		err := checkInitiator(name)
		require.Equal(t, good, err == nil, "%q: %v", name, err)
		if !good {
			require.ErrorIs(t, err, drivers.ErrInvalid)
		}
	}
}

func TestNewCHAP(t *testing.T) {
	require.Len(t, alphabet, 32, "else some characters come more often than others")
	seen := map[string]bool{}
	for range 1000 {
		c := newCHAP()
		require.Len(t, c.User, 20)
		require.Len(t, c.Password, 16)
		require.Empty(t, strings.Trim(c.User+c.Password, alphabet))
		require.False(t, strings.ContainsAny(c.User+c.Password, "0Oo1lIi,= "))
		require.False(t, seen[c.Password])
		seen[c.Password] = true
	}
}

func TestSerial(t *testing.T) {
	require.Equal(t, "0f7d3b9e111122223333444455556666", Serial("0F7D3B9E-1111-2222-3333-444455556666"))
}
