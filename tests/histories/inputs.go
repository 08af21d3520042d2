package main

import (
	"time"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

const (
	resourceID = "6e1ad0a1-32b4-4a30-9d39-6a0a7b3c9c11"
	snapshotID = "0d6b9f0e-7a36-4a0c-8b7a-3f0f6f3b1d22"
	backupID   = "7a1c2f70-33a1-4b43-9a3a-0a9c3a5d1e44"
)

// start is the request that a scenario begins with.
func (s scenario) start() flow.Start {
	h := flow.Header{
		RequestID: "req-5f0c5d3c-1f0b-4a52-8f7e-6a4b7f7b0001", ProjectID: "demo", UserID: "admin",
		ResourceID: resourceID, HoldHours: 72, Summary: string(s.op) + " db01", AcceptBy: time.Now().Add(time.Hour).UTC(),
	}
	// Each scenario is a request of its own, as on one volume in a row.
	h.FlowID = flow.ID(s.op, h.ResourceID, h.RequestID+"-"+s.name)
	h.Tasks = s.tasks()
	return flow.Start{Operation: s.op, Kind: s.op.Kind(), Header: h, Input: s.input(h)}
}

func (s scenario) tasks() []string {
	if s.backup {
		return flow.VolumeFromBackupTasks()
	}
	if s.snapshot {
		return map[flow.Operation][]string{
			flow.VolumeCreate: flow.VolumeFromSnapshotTasks(), flow.VolumeDelete: flow.VolumeCascadeTasks(),
		}[s.op]
	}
	if s.host && s.op == flow.AttachmentDelete {
		return flow.HostDetachTasks()
	}
	return map[flow.Operation][]string{
		flow.VolumeAttach: flow.VolumeAttachTasks(),
		flow.VolumeCreate: flow.VolumeCreateTasks(), flow.VolumeDelete: flow.VolumeDeleteTasks(), flow.VolumeExtend: flow.VolumeExtendTasks(),
		flow.VolumeRevert: flow.VolumeRevertTasks(), flow.VolumeManage: flow.VolumeManageTasks(), flow.VolumeUnmanage: flow.VolumeUnmanageTasks(),
		flow.VolumeRetype: flow.VolumeRetypeTasks(), flow.VolumeMigrate: flow.VolumeMigrateTasks(),
		flow.SnapshotCreate: flow.SnapshotCreateTasks(), flow.SnapshotDelete: flow.SnapshotDeleteTasks(),
		flow.SnapshotManage: flow.SnapshotManageTasks(), flow.SnapshotUnmanage: flow.SnapshotUnmanageTasks(),
		flow.AttachmentCreate: flow.AttachTasks(), flow.AttachmentUpdate: flow.AttachTasks(),
		flow.AttachmentDelete: flow.DetachTasks(), flow.AttachmentTerminate: flow.DetachTasks(),
		flow.BackupCreate: flow.BackupCreateTasks(s.inUse), flow.BackupRestore: flow.BackupRestoreTasks(), flow.BackupDelete: flow.BackupDeleteTasks(),
		flow.BackupVerify: flow.BackupVerifyTasks(), flow.BackupImport: flow.BackupImportTasks(),
		flow.ScheduleRun: flow.ScheduleRunTasks(), flow.BackupTidy: flow.BackupTidyTasks(),
	}[s.op]
}

func (s scenario) input(h flow.Header) any {
	const host = backend + "#dir"
	switch s.op {
	case flow.VolumeCreate:
		in := flow.VolumeCreateInput{Header: h, Name: "db01", SizeGiB: 10, MaxAttempts: 3}
		if s.snapshot {
			in.SnapshotID = snapshotID
		}
		if s.backup {
			in.BackupID = backupID
		}
		return in
	case flow.VolumeDelete, flow.VolumeUnmanage:
		return flow.VolumeDeleteInput{Header: h, Volume: storageVolume(), Host: host, Cascade: s.snapshot}
	case flow.VolumeExtend:
		return flow.VolumeExtendInput{Header: h, NewSizeGiB: 15}
	case flow.VolumeRevert:
		return flow.VolumeRevertInput{Header: h, Snapshot: storageSnapshot(), Host: host}
	case flow.VolumeRetype:
		return flow.VolumeRetypeInput{Header: h, NewType: "gold", Policy: flow.MigrateOnDemand}
	case flow.VolumeMigrate:
		return flow.VolumeMigrateInput{Header: h, Host: "node1@other#dir"}
	case flow.VolumeManage:
		return flow.VolumeManageInput{Header: h, Name: "db01", Host: host, Ref: "lv1"}
	case flow.SnapshotDelete, flow.SnapshotUnmanage:
		return flow.SnapshotRemoveInput{Header: h, Snapshot: storageSnapshot(), Host: host}
	case flow.AttachmentCreate, flow.AttachmentUpdate:
		return flow.AttachInput{Header: h, VolumeID: snapshotID, Connector: []byte(`{"host":"compute1","initiator":"iqn.2026-01.example:compute1"}`)}
	case flow.AttachmentDelete, flow.AttachmentTerminate:
		in := flow.DetachInput{Header: h, Volume: storageVolume(), Host: host, Connector: compute1(), Connected: true, Last: true}
		if s.host {
			at := attached()
			in.Node, in.Connection = at.HostNode, &at.Connection
		}
		return in
	case flow.AttachmentCheck:
		return flow.CheckInput{Apart: time.Second, Mend: true}
	case flow.VolumeAttach:
		return flow.VolumeAttachInput{Header: h, VolumeID: snapshotID, Node: compute1().Host, Instance: attached().Instance}
	case flow.BackupCreate:
		return flow.BackupCreateInput{Header: h, VolumeID: resourceID, Name: "monday", Force: s.inUse, Quiesce: s.quiesce}
	case flow.BackupRestore:
		return flow.BackupRestoreInput{Header: h, VolumeID: snapshotID}
	case flow.BackupDelete:
		in := flow.BackupRemoveInput{Header: h, Backup: storedBackup(), Host: flow.HostOf(backend)}
		if s.keep {
			in.BaseHost, in.VolumeID = host, resourceID
		}
		return in
	case flow.BackupVerify:
		return flow.BackupVerifyInput{Header: h, Backup: storedBackup(), Host: flow.HostOf(backend)}
	case flow.BackupTidy:
		return flow.BackupTidyInput{Header: h, VolumeID: resourceID}
	case flow.ScheduleRun:
		return flow.ScheduleRunInput{Header: h, VolumeID: resourceID}
	case flow.BackupImport:
		return flow.BackupImportInput{Header: h, Backup: backupRow(), Stored: storedBackup()}
	default:
		return flow.SnapshotCreateInput{Header: h, VolumeID: resourceID, Name: "before", Ref: "lv1"}
	}
}

func compute1() models.Connector {
	return models.Connector{Host: "compute1", Initiator: "iqn.2026-01.example:compute1"}
}

// attached is the host worker that has the volume.
func attached() flow.AttachedHost {
	return flow.AttachedHost{
		HostNode: flow.HostNode{Node: compute1().Host, Instance: "guest1"}, Connection: models.LocalConnection(resourceID, "/dev/vg/lv"),
	}
}

// extended is what an extend learns of the volume's hosts.
func (s scenario) extended(v models.Volume) flow.EntryExtendResult {
	out := flow.EntryExtendResult{VolumeResult: flow.VolumeResult{Volume: v}}
	if s.host {
		out.Hosts = []flow.AttachedHost{attached()}
	}
	if s.server {
		out.Servers = []string{snapshotID}
	}
	return out
}

func storageVolume() models.StorageVolume {
	return models.StorageVolume{ID: resourceID, Name: "volume-" + resourceID, Size: models.FromGiB(10)}
}

func storageSnapshot() models.StorageSnapshot {
	return models.StorageSnapshot{ID: snapshotID, Name: "snapshot-" + snapshotID, Volume: storageVolume(), Size: models.FromGiB(10)}
}

func storedBackup() flow.StoredBackup { return flow.StoredBackup{ID: backupID, SizeGiB: 10} }

func backupRow() models.Backup {
	return models.Backup{ID: backupID, VolumeID: resourceID, SizeGiB: 10, Name: "monday", Host: flow.HostOf(backend)}
}

// accepted tells whether the flow answers its client itself; the rows of the others are written before they begin.
func (s scenario) accepted() bool {
	switch s.op {
	case flow.VolumeCreate, flow.VolumeExtend, flow.VolumeRetype, flow.VolumeMigrate, flow.VolumeManage, flow.SnapshotCreate, flow.SnapshotManage:
		return true
	case flow.AttachmentCreate, flow.AttachmentUpdate, flow.AttachmentDelete, flow.AttachmentTerminate, flow.VolumeAttach:
		return true
	case flow.BackupCreate, flow.BackupRestore, flow.BackupImport:
		return true
	}
	return false
}
