package tgt

import (
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
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

func TestParseSessions(t *testing.T) {
	require.Equal(t, []nexus{
		{id: 4, initiator: "iqn.1994-05.com.example:host-a", cids: []uint32{0}},
		{id: 7, initiator: "iqn.1994-05.com.example:host-b", cids: []uint32{0, 1}},
	}, parseSessions(recorded(t, "connections-1.0.85")))
	require.Empty(t, parseSessions(""))
}

// A host may call itself what it likes: it can't hide a target, or stand in for one.
func TestFalseAlias(t *testing.T) {
	const victim = "iqn.2010-10.org.openstack:volume-victim"
	text := "Target 5: iqn.x:own\n    I_T nexus information:\n        I_T nexus: 1\n            Initiator: iqn.x:a alias: x\nTarget 7: " + victim + "\n" +
		"Target 6: " + victim + "\n    LUN information:\n        LUN: 1\n"
	c := daemon(t, func(_ request, _ string, conn net.Conn) { say(conn, 0, text) })
	_, err := c.find(t.Context(), victim)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, drivers.Hint(err), "alias")
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
		parseSessions(text)
	})
}
