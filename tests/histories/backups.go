package main

import (
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// backupScenarios wait for the data worker, where a volume in use is backed up for its node too, and are held where bytes move.
func backupScenarios() []scenario {
	var all []scenario
	for _, s := range []struct {
		op   flow.Operation
		task string
	}{
		{flow.BackupCreate, flow.TaskBackupChunks},
		{flow.BackupRestore, flow.TaskRestoreChunks},
		{flow.BackupDelete, flow.TaskDeleteBackupData},
		{flow.BackupVerify, flow.TaskVerifyBackup},
		{flow.BackupImport, flow.TaskReadBackupRecord},
	} {
		kind := string(s.op)
		fail, as := once(s.task)
		all = append(all,
			scenario{name: kind + "-success", op: s.op},
			scenario{name: kind + "-waits-for-data-worker", op: s.op, dataAway: true, waits: s.task},
			scenario{name: kind + "-held", op: s.op, fail: fail, as: as, waits: "timer"},
			scenario{name: kind + "-held-retried", op: s.op, fail: fail, as: as, words: []string{flow.UpdateRetry}},
			scenario{name: kind + "-held-aborted", op: s.op, fail: fail, as: as, words: []string{flow.UpdateAbort}},
		)
	}
	for _, s := range []scenario{
		{name: "backup-far", op: flow.BackupCreate},
		{name: "backup-far-base", op: flow.BackupCreate, keep: true},
		{name: "restore-far", op: flow.BackupRestore},
		{name: "create-from-backup-far", op: flow.VolumeCreate, backup: true},
	} {
		s.hosts = true
		all = append(all, s)
		for name, task := range map[string]string{"asks": flow.TaskHostProperties, "leaves": flow.TaskDisconnectVolume, "shuts-out": flow.TaskTerminateConnection} {
			s := s
			s.name, s.fail, s.waits = s.name+"-"+name, map[string]int{task: 1000}, "timer"
			if task == flow.TaskHostProperties {
				s.fail, s.dataAway, s.waits = nil, true, task
			}
			all = append(all, s)
		}
		stops, room := once(flow.TaskBackupChunks)
		if s.op != flow.BackupCreate {
			stops, room = once(flow.TaskRestoreChunks)
		}
		held := s
		held.name, held.fail, held.as, held.words = s.name+"-held-aborted", stops, room, []string{flow.UpdateAbort}
		all = append(all, held)
	}
	read, full := once(flow.TaskBackupChunks)
	left, down := once(flow.TaskDeleteSnapshot)
	restore, room := once(flow.TaskRestoreChunks)
	stays, busy := once(flow.TaskDeleteSnapshot)
	kept, unable := once(flow.TaskKeepBase)
	unable[flow.TaskKeepBase] = flow.ErrNotSupported
	return append(all,
		scenario{name: "backup-base-success", op: flow.BackupCreate, keep: true},
		scenario{name: "backup-base-in-use", op: flow.BackupCreate, keep: true, inUse: true},
		scenario{name: "backup-base-waits-for-node", op: flow.BackupCreate, keep: true, nodeAway: true, waits: flow.TaskCreateSnapshot},
		scenario{name: "backup-base-waits-for-data-worker", op: flow.BackupCreate, keep: true, dataAway: true, waits: flow.TaskBackupChunks},
		scenario{name: "backup-base-no-room", op: flow.BackupCreate, keep: true, fail: map[string]int{flow.TaskCreateSnapshot: 1}, as: map[string]flow.ErrorType{flow.TaskCreateSnapshot: flow.ErrNoSpace}},
		scenario{name: "backup-base-not-kept", op: flow.BackupCreate, keep: true, fail: kept, as: unable},
		scenario{name: "backup-base-keeping", op: flow.BackupCreate, keep: true, fail: map[string]int{flow.TaskKeepBase: 4}, waits: flow.TaskKeepBase},
		scenario{name: "backup-base-held-aborted", op: flow.BackupCreate, keep: true, fail: read, as: full, words: []string{flow.UpdateAbort}},
		scenario{name: "backup-base-lost", op: flow.BackupCreate, keep: true, fail: map[string]int{flow.TaskEntryReady: 9}, as: map[string]flow.ErrorType{flow.TaskEntryReady: flow.ErrNotFound}},
		scenario{name: "backup-base-delete", op: flow.BackupDelete, keep: true},
		scenario{name: "backup-base-delete-waits-for-node", op: flow.BackupDelete, keep: true, nodeAway: true, waits: flow.TaskDeleteSnapshot},
		scenario{name: "backup-base-delete-held", op: flow.BackupDelete, keep: true, fail: left, as: down, waits: "timer"},
		scenario{name: "backup-tidy-success", op: flow.BackupTidy},
		scenario{name: "backup-tidy-waits-for-node", op: flow.BackupTidy, nodeAway: true, waits: flow.TaskDeleteSnapshot},
		scenario{name: "backup-tidy-held", op: flow.BackupTidy, fail: stays, as: busy, waits: "timer"},
		scenario{name: "backup-tidy-held-aborted", op: flow.BackupTidy, fail: stays, as: busy, words: []string{flow.UpdateAbort}},
		scenario{name: "backup-create-refused", op: flow.BackupCreate, fail: map[string]int{flow.TaskQuotaReserve: 1}, as: map[string]flow.ErrorType{flow.TaskQuotaReserve: flow.ErrOverQuota}},
		scenario{name: "backup-create-in-use", op: flow.BackupCreate, inUse: true},
		scenario{name: "backup-create-in-use-waits-for-node", op: flow.BackupCreate, inUse: true, nodeAway: true, waits: flow.TaskCreateSnapshot},
		scenario{name: "backup-create-in-use-waits-for-data-worker", op: flow.BackupCreate, inUse: true, dataAway: true, waits: flow.TaskBackupChunks},
		scenario{name: "backup-create-in-use-held", op: flow.BackupCreate, inUse: true, fail: read, as: full, waits: "timer"},
		scenario{name: "backup-create-in-use-held-aborted", op: flow.BackupCreate, inUse: true, fail: read, as: full, words: []string{flow.UpdateAbort}},
		scenario{name: "backup-create-in-use-snapshot-held", op: flow.BackupCreate, inUse: true, fail: left, as: down, waits: "timer"},
		scenario{name: "backup-create-quiesced", op: flow.BackupCreate, inUse: true, quiesce: flow.QuiesceRequired},
		scenario{name: "backup-create-quiesced-in-vain", op: flow.BackupCreate, inUse: true, quiesce: flow.QuiesceRequired, fail: map[string]int{flow.TaskFreezeGuest: 1}, as: map[string]flow.ErrorType{flow.TaskFreezeGuest: flow.ErrNotSupported}},
		scenario{name: "backup-create-quiesced-if-possible", op: flow.BackupCreate, inUse: true, quiesce: flow.QuiesceIfPossible, fail: map[string]int{flow.TaskFreezeGuest: 1}, as: map[string]flow.ErrorType{flow.TaskFreezeGuest: flow.ErrNotSupported}},
		scenario{name: "create-from-backup", op: flow.VolumeCreate, backup: true},
		scenario{name: "create-from-backup-waits-for-data-worker", op: flow.VolumeCreate, backup: true, dataAway: true, waits: flow.TaskRestoreChunks},
		scenario{name: "create-from-backup-held", op: flow.VolumeCreate, backup: true, fail: restore, as: room, waits: "timer"},
	)
}

// once is a step that finds no room once.
func once(task string) (fail map[string]int, as map[string]flow.ErrorType) {
	return map[string]int{task: 1}, map[string]flow.ErrorType{task: flow.ErrNoSpace}
}

// backupResults adds what the steps of flows on backups answer.
func (s scenario) backupResults(results map[string]any, volume models.Volume, quota []models.QuotaDelta) {
	spec := flow.BackupSpec{Backup: backupRow(), Volume: storageVolume(), Host: volume.Host, Quota: quota}
	if s.inUse || s.keep {
		from := storageSnapshot()
		spec.Temporary, spec.Snapshot, spec.InUse, spec.Keep = true, &from, s.inUse, s.keep
	}
	if s.quiesce != "" {
		spec.Guests = []flow.HostNode{{Node: flow.HostOf(backend), Instance: "vm1"}}
		results[flow.TaskThawGuest] = flow.ThawResult{Held: true}
	}
	stored := flow.StoredBackupResult{Data: models.BackupData{Objects: 2, Stored: 1 << 20}}
	results[flow.TaskExtractBackupRequest] = spec
	results[flow.TaskExtractTidyRequest] = flow.TidySpec{Host: volume.Host, Snapshot: storageSnapshot()}
	results[flow.TaskExtractRestoreRequest] = flow.RestoreSpec{Backup: storedBackup(), Volume: storageVolume(), Host: volume.Host, Row: volume}
	cast := flow.BackupCastResult{Host: flow.HostOf(backend)}
	if s.hosts {
		cast.Ways = []flow.MoveWay{{DataHost: flow.HostOf(backend), Far: volume.Host, Protocol: "iSCSI"}}
	}
	results[flow.TaskBackupCast], results[flow.TaskRestoreCast] = cast, cast
	for _, task := range []string{flow.TaskBackupChunks, flow.TaskReadBackupRecord, flow.TaskVerifyBackup} {
		results[task] = stored
	}
	if s.backup {
		from := storedBackup()
		results[flow.TaskExtractVolumeRequest] = flow.VolumeSpec{Volume: volume, Quota: quota, Backup: &from}
	}
}
