package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

const backend = "node1@dir"

// scenario brings one flow to one point.
type scenario struct {
	name     string
	op       flow.Operation
	fail     map[string]int            // so many calls of a task fail
	as       map[string]flow.ErrorType // with this; Unavailable otherwise
	words    []string                  // updates to send, each once the flow is held
	waits    string                    // where it is left; "" lets it end
	nodeAway bool
	dataAway bool
	stays    bool // a retype that needs no move
	hosts    bool // a move between hosts, a backup or a restore from another host
	snapshot bool // a create from a snapshot, a delete with cascade
	backup   bool // a create from a backup
	inUse    bool // a backup of a volume in use
	keep     bool // its snapshot is kept for the next one, or is there when it is deleted
	quiesce  string
	host     bool // a host worker has the volume
	server   bool // a compute service has it attached
	same     bool // nothing differs
	hostAway bool
	// unsettled says that the record of a flow below does not end.
	unsettled bool
}

func scenarios() []scenario {
	const always = 1000
	all := []scenario{
		{name: "create-success", op: flow.VolumeCreate},
		{name: "create-refused", op: flow.VolumeCreate, fail: map[string]int{flow.TaskQuotaReserve: 1}, as: map[string]flow.ErrorType{flow.TaskQuotaReserve: flow.ErrOverQuota}},
		{name: "create-no-backend", op: flow.VolumeCreate, fail: map[string]int{flow.TaskVolumeCast: 1}, as: map[string]flow.ErrorType{flow.TaskVolumeCast: flow.ErrNoBackend}},
		{name: "create-waits-for-database", op: flow.VolumeCreate, fail: map[string]int{flow.TaskQuotaCommit: always}, waits: flow.TaskQuotaCommit},
		{name: "create-waits-for-node", op: flow.VolumeCreate, nodeAway: true, waits: flow.TaskCreateVolume},
		{name: "create-held", op: flow.VolumeCreate, fail: full, as: noSpace, waits: "timer"},
		{name: "create-held-retried", op: flow.VolumeCreate, fail: full, as: noSpace, words: []string{flow.UpdateRetry}},
		{name: "create-held-aborted", op: flow.VolumeCreate, fail: full, as: noSpace, words: []string{flow.UpdateAbort}},
		{name: "create-from-snapshot", op: flow.VolumeCreate, snapshot: true},
		{name: "create-from-snapshot-waits-for-node", op: flow.VolumeCreate, snapshot: true, nodeAway: true, waits: flow.TaskCreateFromSnapshot},
		{name: "delete-cascade", op: flow.VolumeDelete, snapshot: true},
		{name: "delete-cascade-held", op: flow.VolumeDelete, snapshot: true, fail: map[string]int{flow.TaskDeleteSnapshot: always}, waits: "timer"},
		{name: "delete-success", op: flow.VolumeDelete},
		{name: "delete-waits-for-node", op: flow.VolumeDelete, nodeAway: true, waits: flow.TaskDeleteVolume},
		{name: "delete-held", op: flow.VolumeDelete, fail: map[string]int{flow.TaskDeleteVolume: always}, waits: "timer"},
		{name: "delete-held-aborted", op: flow.VolumeDelete, fail: map[string]int{flow.TaskDeleteVolume: always}, words: []string{flow.UpdateAbort}},
		{name: "extend-success", op: flow.VolumeExtend},
		{name: "extend-waits-for-node", op: flow.VolumeExtend, nodeAway: true, waits: flow.TaskExtendVolume},
		{name: "extend-held", op: flow.VolumeExtend, fail: map[string]int{flow.TaskExtendVolume: 1}, as: map[string]flow.ErrorType{flow.TaskExtendVolume: flow.ErrNoSpace}, waits: "timer"},
		{name: "extend-held-aborted", op: flow.VolumeExtend, fail: map[string]int{flow.TaskExtendVolume: 1}, as: map[string]flow.ErrorType{flow.TaskExtendVolume: flow.ErrNoSpace}, words: []string{flow.UpdateAbort}},
	} // What each of the younger flows waits for: its node, and an operator at the step on the node.
	for _, s := range []struct {
		kind string
		op   flow.Operation
		task string
	}{
		{"revert", flow.VolumeRevert, flow.TaskRevertVolume},
		{"retype", flow.VolumeRetype, flow.TaskCreateVolume},
		{"migrate", flow.VolumeMigrate, flow.TaskCreateVolume},
		{"manage", flow.VolumeManage, flow.TaskAdoptVolume},
		{"unmanage", flow.VolumeUnmanage, flow.TaskReleaseVolume},
		{"snapshot-create", flow.SnapshotCreate, flow.TaskCreateSnapshot},
		{"snapshot-delete", flow.SnapshotDelete, flow.TaskDeleteSnapshot},
		{"snapshot-manage", flow.SnapshotManage, flow.TaskAdoptSnapshot},
		{"snapshot-unmanage", flow.SnapshotUnmanage, flow.TaskReleaseSnapshot},
	} {
		full, first := map[string]int{s.task: 1}, s.task
		if s.op == flow.VolumeManage {
			first = flow.TaskMeasureVolume
		}
		as := map[string]flow.ErrorType{s.task: flow.ErrNoSpace}
		all = append(all,
			scenario{name: s.kind + "-success", op: s.op},
			scenario{name: s.kind + "-waits-for-node", op: s.op, nodeAway: true, waits: first},
			scenario{name: s.kind + "-held", op: s.op, fail: full, as: as, waits: "timer"},
			scenario{name: s.kind + "-held-aborted", op: s.op, fail: full, as: as, words: []string{flow.UpdateAbort}},
		)
	}
	all = append(all,
		scenario{name: "retype-in-place", op: flow.VolumeRetype, stays: true},
		scenario{name: "migrate-waits-for-data-worker", op: flow.VolumeMigrate, dataAway: true, waits: flow.TaskCopyVolume},
		scenario{name: "migrate-copy-held", op: flow.VolumeMigrate, fail: map[string]int{flow.TaskCopyVolume: 1}, as: map[string]flow.ErrorType{flow.TaskCopyVolume: flow.ErrNoSpace}, waits: "timer"},
		scenario{name: "migrate-source-held", op: flow.VolumeMigrate, fail: map[string]int{flow.TaskDeleteVolume: 1}, as: map[string]flow.ErrorType{flow.TaskDeleteVolume: flow.ErrNoSpace}, waits: "timer"},
	)
	all = append(all, betweenHosts()...)
	return slices.Concat(all, attachScenarios(), backupScenarios(), scheduleScenarios())
}

// betweenHosts are moves in which a data worker is let in to another host.
func betweenHosts() []scenario {
	const always = 1000
	noRoom := map[string]flow.ErrorType{flow.TaskCopyVolume: flow.ErrNoSpace, flow.TaskDisconnectVolume: flow.ErrUnavailable}
	all := []scenario{
		{name: "success"},
		{name: "waits-for-data-worker", dataAway: true, waits: flow.TaskHostProperties},
		{name: "held", fail: map[string]int{flow.TaskCopyVolume: 1}, as: noRoom, waits: "timer"},
		{name: "held-aborted", fail: map[string]int{flow.TaskCopyVolume: 1}, as: noRoom, words: []string{flow.UpdateAbort}},
		{name: "disconnect-held", fail: map[string]int{flow.TaskDisconnectVolume: always}, as: noRoom, waits: "timer"},
	}
	for i := range all {
		all[i].name, all[i].op, all[i].hosts = "migrate-between-hosts-"+all[i].name, flow.VolumeMigrate, true
	}
	return all
}

// attachScenarios are held where a host is shut out: attaching only while it is undone.
func attachScenarios() []scenario {
	const always = 1000
	var all []scenario
	for _, op := range []flow.Operation{flow.AttachmentCreate, flow.AttachmentUpdate, flow.AttachmentDelete, flow.AttachmentTerminate} {
		kind, first := string(op), flow.TaskInitializeConnection
		fail := map[string]int{flow.TaskTerminateConnection: always}
		as := map[string]flow.ErrorType{flow.TaskTerminateConnection: flow.ErrBackendDown, flow.TaskInitializeConnection: flow.ErrCertain}
		if op == flow.AttachmentCreate || op == flow.AttachmentUpdate {
			fail[flow.TaskInitializeConnection] = always
			all = append(all, scenario{name: kind + "-refused", op: op, fail: map[string]int{flow.TaskInitializeConnection: 1}, as: as})
		} else {
			first = flow.TaskTerminateConnection
		}
		all = append(all,
			scenario{name: kind + "-success", op: op},
			scenario{name: kind + "-waits-for-node", op: op, nodeAway: true, waits: first},
			scenario{name: kind + "-held", op: op, fail: fail, as: as, waits: "timer"},
			scenario{name: kind + "-held-aborted", op: op, fail: fail, as: as, words: []string{flow.UpdateAbort}},
		)
	}
	return append(all, hostScenarios()...)
}

// hostScenarios are those in which a host worker has the volume, or gets it.
func hostScenarios() []scenario {
	const always = 1000
	plug := map[string]int{flow.TaskPlugVolume: 1, flow.TaskUnplugVolume: always}
	as := map[string]flow.ErrorType{flow.TaskPlugVolume: flow.ErrCertain, flow.TaskUnplugVolume: flow.ErrBackendDown, flow.TaskExtendConnected: flow.ErrBackendDown}
	unplug, see := map[string]int{flow.TaskUnplugVolume: always}, map[string]int{flow.TaskExtendConnected: always}
	abort := []string{flow.UpdateAbort}
	return []scenario{
		{name: "attachment-attach-success", op: flow.VolumeAttach},
		{name: "attachment-attach-no-host", op: flow.VolumeAttach, hostAway: true},
		{name: "attachment-attach-waits-for-node", op: flow.VolumeAttach, nodeAway: true, waits: flow.TaskInitializeConnection},
		{name: "attachment-attach-refused", op: flow.VolumeAttach, fail: map[string]int{flow.TaskPlugVolume: 1}, as: as},
		{name: "attachment-attach-held", op: flow.VolumeAttach, fail: plug, as: as, waits: "timer"},
		{name: "attachment-attach-held-aborted", op: flow.VolumeAttach, fail: plug, as: as, words: abort},
		{name: "attachment-delete-host", op: flow.AttachmentDelete, host: true},
		{name: "attachment-delete-host-waits", op: flow.AttachmentDelete, host: true, hostAway: true, waits: flow.TaskUnplugVolume},
		{name: "attachment-delete-host-held", op: flow.AttachmentDelete, host: true, fail: unplug, as: as, waits: "timer"},
		{name: "attachment-delete-host-held-aborted", op: flow.AttachmentDelete, host: true, fail: unplug, as: as, words: abort},
		{name: "attachment-check-differs", op: flow.AttachmentCheck},
		{name: "attachment-check-between-looks", op: flow.AttachmentCheck, waits: "timer"},
		{name: "attachment-check-alike", op: flow.AttachmentCheck, same: true},
		{name: "attachment-check-node-away", op: flow.AttachmentCheck, fail: map[string]int{flow.TaskListExports: always}},
		{name: "extend-server", op: flow.VolumeExtend, server: true},
		{name: "extend-server-waits", op: flow.VolumeExtend, server: true, fail: map[string]int{flow.TaskTellExtended: always}, waits: flow.TaskTellExtended},
		{
			name: "extend-server-untold", op: flow.VolumeExtend, server: true, fail: map[string]int{flow.TaskTellExtended: 1},
			as: map[string]flow.ErrorType{flow.TaskTellExtended: flow.ErrCertain},
		},
		{name: "extend-in-use", op: flow.VolumeExtend, host: true},
		{name: "extend-in-use-waits-for-host", op: flow.VolumeExtend, host: true, hostAway: true, waits: flow.TaskExtendConnected},
		{name: "extend-in-use-held", op: flow.VolumeExtend, host: true, fail: see, as: as, waits: "timer"},
		{name: "extend-in-use-held-aborted", op: flow.VolumeExtend, host: true, fail: see, as: as, words: abort},
	}
}

var (
	full    = map[string]int{flow.TaskCreateVolume: 1, flow.TaskVolumeCast: 0}
	noSpace = map[string]flow.ErrorType{flow.TaskCreateVolume: flow.ErrNoSpace}
)

// activities answer as the real ones do, as far as the workflows look at it.
func (s scenario) activities() map[string]any {
	var mu sync.Mutex
	left := map[string]int{}
	for task, n := range s.fail {
		left[task] = n
	}
	volume := models.Volume{ID: resourceID, Name: "db01", SizeGiB: 10, Status: models.VolumeAvailable, Host: backend + "#dir"}
	quota := []models.QuotaDelta{{Resource: models.QuotaGigabytes, Delta: 10}}
	results := map[string]any{
		flow.TaskExtractVolumeRequest: flow.VolumeSpec{Volume: volume, Quota: quota},
		flow.TaskExtractExtendRequest: flow.ExtendSpec{Volume: volume, Quota: quota},
		flow.TaskEntryCreate:          flow.EntryResult{Volume: volume, Snapshot: models.Snapshot{ID: resourceID, VolumeID: volume.ID}, Backup: backupRow()},
		flow.TaskExtractManageRequest: flow.VolumeSpec{Volume: volume, SourceHost: volume.Host},
		flow.TaskMeasureVolume:        flow.NodeResult{Volume: models.StorageVolume{Size: 3 * models.GiB}},
		flow.TaskExtractSnapshotRequest: flow.SnapshotSpec{
			Snapshot: models.Snapshot{ID: resourceID, VolumeID: volume.ID, SizeGiB: 10}, Storage: storageSnapshot(), Host: volume.Host, Quota: quota,
		},
		flow.TaskEntryExtend: s.extended(volume),
		flow.TaskHostProperties: flow.HostPropertiesResult{
			Connector: compute1(), Hypervisor: "qmp", SealTo: []byte("key"),
			Clients: []flow.HostClient{{Protocol: "iscsi", Ready: true}, {Protocol: "glusterfs", Reason: "glusterfs is not installed"}},
		},
		flow.TaskBeginCheck: flow.CheckRef{CheckID: snapshotID},
		flow.TaskFindPlaces: flow.FoundPlaces{
			Places: []flow.Place{{Kind: flow.AtBackend, Name: backend}, {Kind: flow.AtHost, Name: compute1().Host}}, Left: []string{backupID},
		},
		flow.TaskFindLeft: flow.FindLeftResult{IDs: []string{backupID}}, flow.TaskAnythingDiffers: flow.AnythingDiffersResult{Any: !s.same},
		flow.TaskListExports:   flow.ExportPage{Exports: []flow.ExportSeen{{VolumeID: resourceID, Initiators: []string{compute1().Initiator}}}},
		flow.TaskListTaken:     flow.TakenPage{Volumes: []flow.TakenVolume{{VolumeID: resourceID, AttachedHost: attached()}}},
		flow.TaskConnectVolume: flow.HostDevice{Path: "/dev/vg/lv", Size: models.FromGiB(10), Format: "raw"},

		flow.TaskExtractAttachRequest:  flow.AttachSpec{Volume: storageVolume(), Host: volume.Host, Connector: compute1()},
		flow.TaskAttachCast:            flow.AttachCastResult{Backend: backend, Volume: storageVolume()},
		flow.TaskInitializeConnection:  flow.ConnectResult{Connection: models.LocalConnection(volume.ID, "/dev/vg/lv"), Sealed: []byte("sealed")},
		flow.TaskTerminateConnection:   flow.ConnectResult{},
		flow.TaskVolumeCast:            flow.VolumeCastResult{Pool: backend + "#dir", Candidates: []string{backend + "#dir"}, StorageName: "volume-" + volume.ID},
		flow.TaskExtractRetypeRequest:  flow.MoveSpec{Volume: volume, Source: storageVolume(), NameID: snapshotID, TypeID: "t2", Quota: quota},
		flow.TaskExtractMigrateRequest: flow.MoveSpec{Volume: volume, Source: storageVolume(), NameID: snapshotID},
		flow.TaskEntryRetype:           flow.VolumeResult{Volume: volume},
		flow.TaskEntryMigrate:          flow.VolumeResult{Volume: volume},
		flow.TaskMoveCast: flow.MoveCastResult{
			Pool: backend + "#other", InPlace: s.stays, DataHost: flow.HostOf(backend), Target: models.StorageVolume{ID: snapshotID, Name: "volume-" + snapshotID},
		},
	}
	if s.hosts {
		results[flow.TaskMoveCast] = flow.MoveCastResult{
			Pool: backend + "#other", Target: models.StorageVolume{ID: snapshotID, Name: "volume-" + snapshotID},
			Ways: []flow.MoveWay{ // both by the one node that there is here; the first can't
				{DataHost: flow.HostOf(backend), Far: volume.Host, Protocol: "glusterfs"}, {DataHost: flow.HostOf(backend), Far: backend + "#other", Protocol: "iSCSI"},
			},
		}
	}
	s.backupResults(results, volume, quota)
	s.scheduleResults(results)
	if s.snapshot {
		from := storageSnapshot()
		results[flow.TaskExtractVolumeRequest] = flow.VolumeSpec{Volume: volume, Quota: quota, Snapshot: &from, SourceHost: volume.Host}
	}
	destroyed := false
	out := map[string]any{}
	for _, task := range append([]string{
		flow.TaskExtractRetypeRequest, flow.TaskExtractMigrateRequest, flow.TaskEntryRetype, flow.TaskEntryMigrate, flow.TaskMoveCast,
		flow.TaskCopyVolume, flow.TaskVerifyVolume, flow.TaskEntryMigration, flow.TaskEntryRetyped, flow.TaskEntryMigrated,
		flow.TaskExtractVolumeRequest, flow.TaskExtractExtendRequest, flow.TaskQuotaReserve, flow.TaskEntryCreate, flow.TaskEntryExtend,
		flow.TaskQuotaCommit, flow.TaskVolumeCast, flow.TaskCreateVolume, flow.TaskEntryReady, flow.TaskDeleteVolume, flow.TaskEntryDestroy,
		flow.TaskExtendVolume, flow.TaskEntryExtended, flow.TaskQuotaRollback, flow.TaskFlowHold, flow.TaskFlowResume, flow.TaskFlowEnd,
		flow.TaskExtractSnapshotRequest, flow.TaskSnapshotCast, flow.TaskCreateSnapshot, flow.TaskDeleteSnapshot, flow.TaskAdoptSnapshot,
		flow.TaskReleaseSnapshot, flow.TaskCreateFromSnapshot, flow.TaskRevertVolume, flow.TaskEntryReverted, flow.TaskNextSnapshot,
		flow.TaskSnapshotDestroy, flow.TaskExtractManageRequest, flow.TaskMeasureVolume, flow.TaskAdoptVolume, flow.TaskReleaseVolume,
		flow.TaskExtractAttachRequest, flow.TaskAttachCast, flow.TaskInitializeConnection, flow.TaskTerminateConnection,
		flow.TaskHostProperties, flow.TaskConnectVolume, flow.TaskDisconnectVolume, flow.TaskPlugVolume, flow.TaskUnplugVolume, flow.TaskExtendConnected,
		flow.TaskFindAgent, flow.TaskFreezeGuest, flow.TaskThawGuest,
		flow.TaskTellExtended, flow.TaskExtendedUntold,
		flow.TaskBeginCheck, flow.TaskFindPlaces, flow.TaskListExports, flow.TaskListTaken, flow.TaskFindLeft, flow.TaskCompareExports, flow.TaskCompareHost,
		flow.TaskCompareLeft, flow.TaskCompareAges, flow.TaskAnythingDiffers, flow.TaskSettleDifferences, flow.TaskEndCheck,
		flow.TaskExtractBackupRequest, flow.TaskBackupCast, flow.TaskBackupChunks, flow.TaskDeleteBackupData, flow.TaskExtractRestoreRequest,
		flow.TaskRestoreCast, flow.TaskRestoreChunks, flow.TaskEntryRestored, flow.TaskReadBackupRecord, flow.TaskVerifyBackup, flow.TaskEntryVerified,
	}, scheduleTasks...) {
		out[task] = func(_ context.Context, in map[string]any) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			if left[task]--; left[task] >= 0 {
				t := s.as[task]
				if t == "" {
					t = flow.ErrUnavailable
				}
				return nil, wire.Error(&flow.Error{Type: t, Message: fmt.Sprintf("%s fails as planned", task), Hint: "none"})
			}
			if attempted, _ := in["attempted"].([]any); task == flow.TaskVolumeCast && len(attempted) > 0 {
				return nil, wire.Error(&flow.Error{Type: flow.ErrNoBackend, Message: "every pool was tried"})
			}
			destroyed = destroyed || task == flow.TaskSnapshotDestroy
			if task == flow.TaskNextSnapshot && !destroyed {
				return flow.NextSnapshotResult{ID: snapshotID, Snapshot: storageSnapshot(), Left: 1}, nil
			}
			return results[task], nil
		}
	}
	return out
}
