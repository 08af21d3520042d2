package flow_test

import (
	"cmp"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

func kinds(found []flow.Difference) (all []string) {
	for _, d := range found {
		all = append(all, fmt.Sprintf("%s: %s %s", cmp.Or(d.VolumeID, d.StorageID), d.Kind, d.Initiator))
	}
	return all
}

func row(id string, change ...func(*flow.AttachedRow)) flow.AttachedRow {
	r := flow.AttachedRow{ID: "a" + id, VolumeID: id, StorageID: id, Status: models.AttachmentAttached, Protocol: "iscsi", Initiator: "iqn.x:H1"}
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
	compare := func(rows []flow.AttachedRow, seen []flow.ExportSeen) []flow.Difference {
		x := flow.NewExported(seen)
		return append(x.Compare("n1@lvm", rows), x.Strays("n1@lvm", seen)...)
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
		"not let in":       {[]flow.AttachedRow{row("v")}, seen("iqn.x:h2"), []string{"v: " + flow.ShutOut + " iqn.x:H1", "v: " + flow.StrayExport + " iqn.x:h2"}},
		"not exported":     {[]flow.AttachedRow{row("v"), row("w", busy)}, nil, []string{"v: " + flow.ShutOut + " iqn.x:H1"}},
		"moved":            {[]flow.AttachedRow{row("w", func(r *flow.AttachedRow) { r.StorageID = "v" })}, seen("iqn.x:h1"), nil},
		"by a share":       {[]flow.AttachedRow{row("v", func(r *flow.AttachedRow) { r.Protocol = "nfs" })}, nil, nil},
		"of its client":    {[]flow.AttachedRow{row("v", func(r *flow.AttachedRow) { r.Status = models.AttachmentAttaching })}, nil, nil},
	} {
		found := compare(c.rows, c.seen)
		require.Equal(t, c.want, kinds(found), name)
		for _, d := range found {
			require.Equal(t, d.Kind == flow.StrayExport, d.Mend, name)
		}
		for i := range c.seen {
			c.seen[i].Sessions = []string{"iqn.x:H1", "iqn.x:H2"}
		}
		for _, d := range compare(c.rows, c.seen) {
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
	compare := func(rows []flow.AttachedRow, seen []flow.TakenVolume) []flow.Difference {
		x := flow.NewTaken(seen)
		return append(x.Compare("h1", rows), x.Strays("h1", seen)...)
	}
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
		found := compare(c.rows, c.seen)
		require.Equal(t, c.want, kinds(found), name)
		for _, d := range found {
			require.Equal(t, d.Kind == flow.StrayHost, d.Mend, name)
			require.Equal(t, d.Mend, d.Taken != nil, name)
		}
	}
	found := compare(nil, taken(same))
	require.Equal(t, []string{"v: " + flow.StrayHost + " iqn.x:h1"}, kinds(found))
	require.False(t, found[0].Mend, "the guest may have it still")
}

// Both looks give a difference one id, and what is told of the sides is known for each kind.
func TestDifferenceRow(t *testing.T) {
	d := flow.Difference{Kind: flow.StrayHost, Place: "h1", VolumeID: "v", Initiator: "iqn.x:H1", Mend: true, Taken: &flow.AttachedHost{}}
	row, err := d.Row("c1")
	require.NoError(t, err)
	d.Initiator, d.Mend = "iqn.x:h1", false
	again, err := d.Row("c1")
	require.NoError(t, err)
	require.Equal(t, row.ID, again.ID)
	require.True(t, row.Mendable && !again.Mendable)
	require.NotEmpty(t, row.Taken)
	for _, change := range []func(*flow.Difference){
		func(d *flow.Difference) { d.Kind = flow.StrayExport }, func(d *flow.Difference) { d.Place = "h2" }, func(d *flow.Difference) { d.VolumeID = "w" },
		func(d *flow.Difference) { d.StorageID = "s" }, func(d *flow.Difference) { d.Attachment = "a" }, func(d *flow.Difference) { d.Initiator = "iqn.x:h2" },
	} {
		other := d
		change(&other)
		row, err := other.Row("c1")
		require.NoError(t, err)
		require.NotEqual(t, again.ID, row.ID)
	}
	for _, kind := range []string{flow.StrayExport, flow.MovedExport, flow.StrayHost, flow.UnknownExport, flow.LeftByMove, flow.ShutOut, flow.NotOnHost, flow.NotInGuest, flow.Waiting} {
		require.NotNil(t, flow.SidesOf(kind).Record, kind)
	}
	require.Nil(t, flow.SidesOf("").Record)
}

// Backends come first, and each has its turn once.
func TestPlaceAfter(t *testing.T) {
	b, c, h := flow.Place{Kind: flow.AtBackend, Name: "b"}, flow.Place{Kind: flow.AtBackend, Name: "c"}, flow.Place{Kind: flow.AtHost, Name: "a"}
	require.True(t, c.After(b) && h.After(c) && h.After(b))
	require.False(t, b.After(b) || b.After(c) || c.After(h))
}
