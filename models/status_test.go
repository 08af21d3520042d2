package models

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShown(t *testing.T) {
	require.Equal(t, VolumeCreating, Shown(VolumeManaging))
	require.Equal(t, VolumeError, Shown(VolumeErrorManaging))
	require.Equal(t, VolumeDeleting, Shown(VolumeErrorManagingDeleting))
	require.Equal(t, VolumeInUse, Shown(VolumeInUse))
	require.Equal(t, VolumeStatus("odd"), Shown("odd"))
	require.Equal(t, []VolumeStatus{VolumeCreating, VolumeManaging}, ShownAs(VolumeCreating))
	require.Equal(t, []VolumeStatus{VolumeAvailable}, ShownAs(VolumeAvailable))
	require.Equal(t, []VolumeStatus{"odd"}, ShownAs("odd"))
	require.Empty(t, slices.DeleteFunc(ShownAs(VolumeManaging), func(s VolumeStatus) bool { return s == VolumeManaging }))
}

func TestResettable(t *testing.T) {
	for _, s := range []VolumeStatus{VolumeDeleting, VolumeReverting, VolumeUnmanaging, VolumeErrorManagingDeleting, "odd", ""} {
		require.False(t, ResettableTo(s), s)
	}
	for _, s := range []VolumeStatus{VolumeError, VolumeAvailable, VolumeDetaching, VolumeErrorDeleting, VolumeInUse} {
		require.True(t, ResettableTo(s), s)
	}
}

func TestOwners(t *testing.T) {
	require.True(t, VolumeCreating.FlowOwned())
	require.True(t, VolumeDeleting.FlowOwned())
	for _, s := range []VolumeStatus{VolumeReserved, VolumeAttaching, VolumeDetaching, VolumeAwaitingTransfer} {
		require.Equal(t, OwnerClient, s.Owner(), "mending %s would cut the disk of a guest", s)
	}
	require.Equal(t, OwnerNone, VolumeStatus("odd").Owner())
	require.False(t, VolumeStatus("odd").Known())
}

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		op         string
		from       VolumeStatus
		want, also bool
	}{
		{OpVolumeDelete, VolumeAvailable, true, true},
		{OpVolumeDelete, VolumeErrorDeleting, true, true},
		{OpVolumeDelete, VolumeInUse, false, false},
		{OpVolumeDelete, VolumeCreating, false, false},
		{OpVolumeForceDelete, VolumeCreating, true, true},
		{OpVolumeExtend, VolumeAvailable, true, true},
		{OpVolumeExtend, VolumeInUse, false, true},
		{OpVolumeExtend, VolumeErrorExtending, false, false},
		{"volume-paint", VolumeAvailable, false, false},
	} {
		r := Transition(c.op)
		require.Equal(t, c.want, r.Allows(c.from), "%s from %s", c.op, c.from)
		require.Equal(t, c.also, r.AllowsAlso(c.from), "%s from %s, also", c.op, c.from)
	}
	require.Equal(t, []string{"available"}, Transition(OpVolumeExtend).Legal(false))
	require.Equal(t, []string{"available", "in-use"}, Transition(OpVolumeExtend).Legal(true))
}

// The tables must hang together: no rule speaks of a status that is none, and what a flow moves a volume to is a status that
// a flow owns.
func TestTablesHangTogether(t *testing.T) {
	ends := []VolumeStatus{EndGone, EndPrevious, EndSame}
	for _, r := range Transitions() {
		for _, s := range slices.Concat(r.From, r.Also) {
			require.True(t, s.Known(), "%s from %s", r.Operation, s)
		}
		for _, s := range []VolumeStatus{r.To, r.Success, r.Failure} {
			require.True(t, s.Known() || slices.Contains(ends, s), "%s to %q", r.Operation, s)
		}
		require.True(t, r.New || r.Any || len(r.From) > 0, r.Operation)
		if len(r.Also) > 0 {
			require.NotEmpty(t, r.AlsoWhen, r.Operation)
		}
		if held, ok := Held(r.Operation); ok {
			require.True(t, r.To.FlowOwned(), r.Operation)
			require.Equal(t, r.Failure, held.Shown, "a held %s shows what its failure would", r.Operation)
			require.False(t, held.Shown.FlowOwned(), r.Operation)
		}
	}
	_, ok := Held(OpVolumeReserve)
	require.False(t, ok)
	require.Len(t, HeldRules(), 3)
}

func TestVolumeDeltas(t *testing.T) {
	require.Equal(t, []QuotaDelta{{"volumes", 1}, {"gigabytes", 5}, {"volumes_gold", 1}, {"gigabytes_gold", 5}}, VolumeDeltas("gold", 1, 5))
	require.Equal(t, []QuotaDelta{{"gigabytes", 2}}, VolumeDeltas("", 0, 2))
}
