package models

import (
	"slices"
	"strings"
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

// The tables must hang together: no rule speaks of a status that is none, and what a flow moves a row to is a status that
// a flow owns.
func TestTablesHangTogether(t *testing.T) {
	hangTogether(t, Transitions())
	hangTogether(t, SnapshotTransitions())
	hangTogether(t, BackupTransitions())
	_, ok := Held(OpVolumeReserve)
	require.False(t, ok)
	for _, r := range HeldRules() {
		attachment := strings.HasPrefix(r.Operation, "attachment-")
		require.True(t, attachment || Transition(r.Operation).To != "" || SnapshotTransition(r.Operation).To != "" || BackupTransition(r.Operation).To != "", r.Operation)
		require.Equal(t, attachment, slices.Contains(AttachmentStatuses(), AttachmentStatus(r.Shown)), r.Operation)
	}
}

type status interface {
	~string
	Known() bool
	FlowOwned() bool
}

func hangTogether[S status](t *testing.T, rules []RuleOf[S]) {
	t.Helper()
	ends := []S{EndGone, EndPrevious, EndSame}
	for _, r := range rules {
		for _, s := range slices.Concat(r.From, r.Also) {
			require.True(t, s.Known(), "%s from %s", r.Operation, s)
		}
		for _, s := range []S{r.To, r.Success, r.Failure} {
			require.True(t, s.Known() || slices.Contains(ends, s), "%s to %q", r.Operation, s)
		}
		require.True(t, r.New || r.Any || len(r.From) > 0, r.Operation)
		if len(r.Also) > 0 {
			require.NotEmpty(t, r.AlsoWhen, r.Operation)
		}
		held, ok := Held(r.Operation)
		if _, volume := any(r).(Rule); !ok || volume == strings.HasPrefix(r.Operation, "snapshot-") || !volume && r.Operation == OpSnapshotRevert {
			continue // a revert is held as its volume is
		}
		if slices.Contains(AttachmentStatuses(), AttachmentStatus(held.Shown)) {
			continue // held is the attachment, whatever the volume shows
		}
		if _, backup := any(r).(BackupRule); backup == (r.Operation == OpBackupRestore) && strings.HasPrefix(r.Operation, "backup-") {
			continue // a restore is held as its volume is, all else of backups as the backup is
		}
		if r.Failure == EndPrevious {
			require.Equal(t, string(r.To), held.Shown, "a held %s goes back to where it was, and shows what is being done until then", r.Operation)
			continue
		}
		require.True(t, r.To.FlowOwned(), r.Operation)
		require.Equal(t, string(r.Failure), held.Shown, "a held %s shows what its failure would", r.Operation)
		require.False(t, S(held.Shown).FlowOwned(), r.Operation)
	}
}

func TestSnapshotTransitions(t *testing.T) {
	for _, c := range []struct {
		op   string
		from SnapshotStatus
		want bool
	}{
		{OpSnapshotDelete, SnapshotAvailable, true},
		{OpSnapshotDelete, SnapshotErrorDeleting, true},
		{OpSnapshotDelete, SnapshotBackingUp, false},
		{OpSnapshotForceDelete, SnapshotCreating, true},
		{OpSnapshotRevert, SnapshotAvailable, true},
		{OpSnapshotRevert, SnapshotError, false},
		{OpSnapshotUnmanage, SnapshotError, true},
		{OpSnapshotUnmanage, SnapshotErrorDeleting, false},
		{"snapshot-paint", SnapshotAvailable, false},
	} {
		require.Equal(t, c.want, SnapshotTransition(c.op).Allows(c.from), "%s from %s", c.op, c.from)
	}
	require.True(t, SnapshotRestoring.FlowOwned())
	require.False(t, SnapshotStatus("odd").Known())
	require.Equal(t, OwnerNone, SnapshotStatus("odd").Owner())
}

func TestVolumeDeltas(t *testing.T) {
	require.Equal(t, []QuotaDelta{{"volumes", 1}, {"gigabytes", 5}, {"volumes_gold", 1}, {"gigabytes_gold", 5}}, VolumeDeltas("gold", 1, 5))
	require.Equal(t, []QuotaDelta{{"gigabytes", 2}}, VolumeDeltas("", 0, 2))
}

func TestSnapshotDeltas(t *testing.T) {
	require.Equal(t, []QuotaDelta{{"snapshots", 1}, {"gigabytes", 5}, {"snapshots_gold", 1}, {"gigabytes_gold", 5}}, SnapshotDeltas("gold", 1, 5))
	require.Equal(t, []QuotaDelta{{"snapshots", 1}}, SnapshotDeltas("", 1, 0), "no_snapshot_gb_quota")
}
