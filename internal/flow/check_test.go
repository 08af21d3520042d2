package flow_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func kinds(found []flow.Difference) (all []string) {
	for _, d := range found {
		all = append(all, fmt.Sprintf("%s: %s %s", d.VolumeID, d.Kind, d.Initiator))
	}
	return all
}

func row(id string, change ...func(*flow.AttachedRow)) flow.AttachedRow {
	r := flow.AttachedRow{ID: "a" + id, VolumeID: id, StorageID: id, Backend: "n1@lvm", Status: models.AttachmentAttached, Protocol: "iscsi", Initiator: "iqn.x:H1"}
	for _, c := range change {
		c(&r)
	}
	return r
}

func busy(r *flow.AttachedRow) { r.Busy = true }

func TestCompareExports(t *testing.T) {
	seen := func(initiators ...string) []flow.ExportSeen {
		return []flow.ExportSeen{{VolumeID: "v", Initiators: initiators}}
	}
	for name, c := range map[string]struct {
		rows []flow.AttachedRow
		seen []flow.ExportSeen
		want []string
	}{
		"alike":            {[]flow.AttachedRow{row("v")}, seen("iqn.x:h1"), nil},
		"nothing":          {nil, nil, nil},
		"let in":           {nil, seen("iqn.x:h1"), []string{"v: " + flow.StrayExport + " iqn.x:h1"}},
		"another host too": {[]flow.AttachedRow{row("v")}, seen("iqn.x:h1", "iqn.x:h2"), []string{"v: " + flow.StrayExport + " iqn.x:h2"}},
		"a flow at work":   {[]flow.AttachedRow{row("v", busy)}, seen("iqn.x:h2"), nil},
		"not let in":       {[]flow.AttachedRow{row("v")}, seen("iqn.x:h2"), []string{"v: " + flow.StrayExport + " iqn.x:h2", "v: " + flow.ShutOut + " iqn.x:H1"}},
		"not exported":     {[]flow.AttachedRow{row("v"), row("w", busy)}, nil, []string{"v: " + flow.ShutOut + " iqn.x:H1"}},
		"of other nodes":   {[]flow.AttachedRow{row("v", func(r *flow.AttachedRow) { r.Backend = "n2@lvm" })}, nil, nil},
		"moved":            {[]flow.AttachedRow{row("w", func(r *flow.AttachedRow) { r.StorageID = "v" })}, seen("iqn.x:h1"), nil},
		"by a share":       {[]flow.AttachedRow{row("v", func(r *flow.AttachedRow) { r.Protocol = "nfs" })}, nil, nil},
		"of its client":    {[]flow.AttachedRow{row("v", func(r *flow.AttachedRow) { r.Status = models.AttachmentAttaching })}, nil, nil},
	} {
		found := flow.CompareExports("n1@lvm", c.rows, c.seen)
		require.Equal(t, c.want, kinds(found), name)
		for _, d := range found {
			require.Equal(t, d.Kind == flow.StrayExport, d.Mend, name)
		}
		for i := range c.seen {
			c.seen[i].Sessions = []string{"iqn.x:H1", "iqn.x:H2"}
		}
		for _, d := range flow.CompareExports("n1@lvm", c.rows, c.seen) {
			require.False(t, d.Mend, "%s: it is logged in", name)
		}
	}
}

func TestCompareHost(t *testing.T) {
	ours := func(r *flow.AttachedRow) { r.Node, r.Instance = "h1", "vm1" }
	taken := func(change func(*flow.TakenVolume)) []flow.TakenVolume {
		v := flow.TakenVolume{VolumeID: "v", AttachedHost: flow.AttachedHost{HostNode: flow.HostNode{Instance: "vm1"}}, Initiator: "iqn.x:h1"}
		change(&v)
		return []flow.TakenVolume{v}
	}
	same := func(*flow.TakenVolume) {}
	for name, c := range map[string]struct {
		rows []flow.AttachedRow
		seen []flow.TakenVolume
		want []string
	}{
		"alike":             {[]flow.AttachedRow{row("v", ours)}, taken(same), nil},
		"stray":             {nil, taken(func(v *flow.TakenVolume) { v.Unplugged = true }), []string{"v: " + flow.StrayHost + " iqn.x:h1"}},
		"by another's hand": {[]flow.AttachedRow{row("v")}, taken(func(v *flow.TakenVolume) { v.Instance = "" }), []string{"v: " + flow.StrayHost + " iqn.x:h1"}},
		"on its way":        {[]flow.AttachedRow{row("v", busy)}, taken(same), nil},
		"lost":              {[]flow.AttachedRow{row("v", ours)}, taken(func(v *flow.TakenVolume) { v.Lost, v.Unplugged = true, true }), []string{"v: " + flow.NotOnHost + " "}},
		"never there":       {[]flow.AttachedRow{row("v", ours)}, nil, []string{"v: " + flow.NotOnHost + " "}},
		"unplugged":         {[]flow.AttachedRow{row("v", ours)}, taken(func(v *flow.TakenVolume) { v.Unplugged = true }), []string{"v: " + flow.NotInGuest + " "}},
		"of Nova":           {[]flow.AttachedRow{row("v")}, nil, nil},
	} {
		found := flow.CompareHost("h1", c.rows, c.seen)
		require.Equal(t, c.want, kinds(found), name)
		for _, d := range found {
			require.Equal(t, d.Kind == flow.StrayHost, d.Mend, name)
			require.Equal(t, d.Mend, d.Taken != nil, name)
		}
	}
	found := flow.CompareHost("h1", nil, taken(same))
	require.Equal(t, []string{"v: " + flow.StrayHost + " iqn.x:h1"}, kinds(found))
	require.False(t, found[0].Mend, "the guest may have it still")
}

func TestCompareAges(t *testing.T) {
	old := func(r *flow.AttachedRow) { r.Old = true }
	found := flow.CompareAges([]flow.AttachedRow{row("v", old), row("w"), row("x", old, busy)})
	require.Equal(t, []string{"v: " + flow.Waiting + " "}, kinds(found))
	require.False(t, found[0].Mend)
}

// What is seen once was on its way. Many strays at once are no accident, and stay for people.
func TestBoth(t *testing.T) {
	stray := func(place string, n int) (all []flow.Difference) {
		for i := range n {
			all = append(all, flow.Difference{Kind: flow.StrayExport, Place: place, VolumeID: fmt.Sprint("v", i), Initiator: "iqn.x:h1", Mend: true})
		}
		return all
	}
	require.Empty(t, flow.Both(nil, stray("n1@a", 3)))
	require.Empty(t, flow.Both(stray("n1@a", 3), nil))
	require.Equal(t, stray("n1@a", 2), flow.Both(stray("n1@a", 3), stray("n1@a", 2)))
	mixed := append(stray("n1@a", 11), stray("n1@b", 10)...)
	both := flow.Both(mixed, mixed)
	require.Len(t, both, 21)
	for _, d := range both {
		require.Equal(t, d.Place == "n1@b", d.Mend)
	}
}
