package models

import "slices"

// BackupStatus is a backup's status; the API shows it as it is.
type BackupStatus string

// Backup statuses, by Cinder's names.
const (
	BackupCreating      BackupStatus = "creating"
	BackupAvailable     BackupStatus = "available"
	BackupDeleting      BackupStatus = "deleting"
	BackupError         BackupStatus = "error"
	BackupErrorDeleting BackupStatus = "error_deleting"
	BackupRestoring     BackupStatus = "restoring"
)

// Operations on backups, by the names of their flows; backup-create and backup-restore are operations on volumes too.
const (
	OpBackupDelete      = "backup-delete"
	OpBackupForceDelete = "backup-force-delete"
	OpBackupImport      = "backup-import"
	OpBackupVerify      = "backup-verify"
	// OpBackupTidy takes away the temporary snapshot of a backup whose flow was ended by hand; it asks nothing of the backup's row.
	OpBackupTidy = "backup-tidy"
)

// backupFacts lists every status, in the order of the docs. Cinder's reset-status takes available and error only.
var backupFacts = []statusFact[BackupStatus]{
	{status: BackupCreating, owner: OwnerFlow},
	{status: BackupAvailable, owner: OwnerNone, reset: true},
	{status: BackupDeleting, owner: OwnerFlow},
	{status: BackupError, owner: OwnerNone, reset: true},
	{status: BackupErrorDeleting, owner: OwnerNone},
	{status: BackupRestoring, owner: OwnerFlow},
}

// BackupStatuses lists every status.
func BackupStatuses() []BackupStatus { return statusesOf(backupFacts) }

// Known tells whether s is a status at all.
func (s BackupStatus) Known() bool { _, ok := factOf(backupFacts, s); return ok }

// Owner says who moves a backup out of this status; an unknown one belongs to nobody.
func (s BackupStatus) Owner() Owner { return ownerOf(backupFacts, s) }

// FlowOwned tells whether a backup in this status waits for a flow.
func (s BackupStatus) FlowOwned() bool { return s.Owner() == OwnerFlow }

// ResettableBackup tells whether os-reset_status may set s.
func ResettableBackup(s BackupStatus) bool {
	f, ok := factOf(backupFacts, s)
	return ok && f.reset
}

// BackupRule is what one operation asks of a backup's status and does to it.
type BackupRule = RuleOf[BackupStatus]

var onlyAvailableBackup = []BackupStatus{BackupAvailable}

var backupRules = []BackupRule{
	{
		Operation: OpBackupCreate, New: true, To: BackupCreating, Success: BackupAvailable, Failure: BackupError,
		Further: "quota reserved; the volume or snapshot allows it; an incremental has an available backup of the same volume to add to",
	},
	{
		Operation: OpBackupImport, New: true, To: BackupCreating, Success: BackupAvailable, Failure: BackupError,
		Further: "quota reserved; the store holds what the record says",
	},
	{
		Operation: OpBackupRestore, From: onlyAvailableBackup, To: BackupRestoring, Success: BackupAvailable, Failure: BackupAvailable,
		Further: "not larger than the volume",
	},
	{
		Operation: OpVolumeCreateBackup, From: onlyAvailableBackup, To: BackupRestoring, Success: BackupAvailable, Failure: BackupAvailable,
		Further: "not larger than the volume",
	},
	{
		Operation: OpBackupDelete, From: []BackupStatus{BackupAvailable, BackupError, BackupErrorDeleting}, To: BackupDeleting, Success: EndGone,
		Failure: BackupErrorDeleting, Further: "no backup adds to it",
	},
	{
		Operation: OpBackupForceDelete, Any: true, To: BackupDeleting, Success: EndGone, Failure: BackupErrorDeleting, Further: "no backup adds to it",
	},
	{
		Operation: OpBackupVerify, From: onlyAvailableBackup, To: EndSame, Success: EndSame, Failure: EndSame,
		Further: "read only: the row notes what was found",
	},
}

// BackupTransition returns the rule of an operation; of an unknown one, a rule that allows nothing.
func BackupTransition(operation string) BackupRule { return ruleFor(backupRules, operation) }

// BackupTransitions lists every rule in the order of the docs.
func BackupTransitions() []BackupRule { return slices.Clone(backupRules) }
