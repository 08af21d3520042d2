package tgt

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func recorded(t *testing.T, name string) string {
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(text)
}

func TestParseTargets(t *testing.T) {
	require.Equal(t, []shown{
		{
			id: 5, name: "iqn.2010-10.org.openstack:volume-0f7d3b9e-1111-2222-3333-444455556666",
			nexuses:    []nexus{{id: 1, initiator: "iqn.1994-05.com.example:host-a", cids: []uint32{0}}},
			luns:       []shownLUN{{number: 0, scsiID: "IET     00050000", path: "None", size: "0 MB"}, {number: 1, scsiID: "0f7d3b9e111122223333444455556666", path: "/tmp/volume-0f7d", size: "17 MB"}},
			accounts:   []string{"uuu"},
			initiators: []string{"192.0.2.7", "iqn.1994-05.com.example:host-a"},
		},
		{
			id: 6, name: "iqn.2010-10.org.openstack:volume-empty",
			luns: []shownLUN{{number: 0, scsiID: "IET     00060000", path: "None", size: "0 MB"}},
		},
	}, parseTargets(recorded(t, "targets-1.0.85")))
	require.Empty(t, parseTargets(""))
	require.Empty(t, parseTargets("    LUN information:\n        LUN: 0\n"), "lines that belong to no target")
}

func TestParsePortals(t *testing.T) {
	portals := parsePortals(recorded(t, "portals-1.0.85"))
	require.ElementsMatch(t, []string{"127.0.0.1:19077", "[::1]:19077"}, portals)
	require.Empty(t, parsePortals(""))
}

func TestListens(t *testing.T) {
	for _, test := range []struct {
		have []string
		want string
		is   bool
	}{
		{[]string{"192.0.2.1:3260"}, "192.0.2.1:3260", true},
		{[]string{"192.0.2.1:3260"}, "192.0.2.1:3261", false},
		{[]string{"192.0.2.1:3260"}, "192.0.2.2:3260", false},
		{[]string{"0.0.0.0:3260", "[::]:3260"}, "192.0.2.2:3260", true},
		{[]string{"0.0.0.0:3260"}, "[2001:db8::1]:3260", false},
		{[]string{"[::]:3260"}, "[2001:db8::1]:3260", true},
		{nil, "192.0.2.1:3260", false},
	} {
		require.Equal(t, test.is, listens(test.have, test.want), "%v %s", test.have, test.want)
	}
}

// What tgtd 1.0.85 showed for disks of these sizes.
func TestSizeText(t *testing.T) {
	require.Equal(t, "17 MB", sizeText(16<<20))
	require.Equal(t, "0 MB", sizeText(0))
	require.NotEqual(t, sizeText(1<<30), sizeText(2<<30))
}

// FuzzParseTargets: initiators choose some of the words.
func FuzzParseTargets(f *testing.F) {
	text, err := os.ReadFile("testdata/targets-1.0.85")
	require.NoError(f, err)
	f.Add(string(text))
	f.Add("Target 1: x\n    I_T nexus information:\n        I_T nexus: 1\n            Initiator: Target 2: y alias: none\n")
	f.Fuzz(func(_ *testing.T, text string) {
		parseTargets(text)
		parsePortals(text)
	})
}
