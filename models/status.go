package models

// VolumeStatus is a volume's status as the API shows it.
type VolumeStatus string

// Volume statuses, by Cinder's names.
const (
	VolumeCreating             VolumeStatus = "creating"
	VolumeAvailable            VolumeStatus = "available"
	VolumeReserved             VolumeStatus = "reserved"
	VolumeAttaching            VolumeStatus = "attaching"
	VolumeInUse                VolumeStatus = "in-use"
	VolumeDetaching            VolumeStatus = "detaching"
	VolumeDeleting             VolumeStatus = "deleting"
	VolumeError                VolumeStatus = "error"
	VolumeErrorDeleting        VolumeStatus = "error_deleting"
	VolumeManaging             VolumeStatus = "managing"
	VolumeErrorManaging        VolumeStatus = "error_managing"
	VolumeMaintenance          VolumeStatus = "maintenance"
	VolumeDownloading          VolumeStatus = "downloading"
	VolumeUploading            VolumeStatus = "uploading"
	VolumeExtending            VolumeStatus = "extending"
	VolumeErrorExtending       VolumeStatus = "error_extending"
	VolumeRetyping             VolumeStatus = "retyping"
	VolumeBackingUp            VolumeStatus = "backing-up"
	VolumeErrorBackingUp       VolumeStatus = "error_backing-up"
	VolumeRestoringBackup      VolumeStatus = "restoring-backup"
	VolumeErrorRestoring       VolumeStatus = "error_restoring"
	VolumeAwaitingTransfer     VolumeStatus = "awaiting-transfer"
	VolumeReverting            VolumeStatus = "reverting"
	VolumeUnmanaging           VolumeStatus = "unmanaging"
	VolumeErrorManagingDeleted VolumeStatus = "error_managing_deleted"
	VolumeManagingDeleted      VolumeStatus = "error_managing_deleting"
)

// AttachStatus is a volume's attach_status.
type AttachStatus string

// Attach statuses.
const (
	AttachDetached  AttachStatus = "detached"
	AttachReserved  AttachStatus = "reserved"
	AttachAttaching AttachStatus = "attaching"
	AttachAttached  AttachStatus = "attached"
	AttachDetaching AttachStatus = "detaching"
)
