package policy

import "slices"

var volumeRules = slices.Concat(
	rows(forReader, [][2]string{
		{"volume:get", "show a volume"},
		{"volume:get_all", "list volumes, and their summary"},
		{"volume:get_volume_metadata", "show a volume's metadata, or its image's"},
		{"volume_extension:volume_tenant_attribute", "see a volume's project"},
		{"volume_extension:volume_image_metadata:show", "see the metadata of the image that a volume was made from"},
		{"volume_extension:volume_encryption_metadata", "show how a volume is encrypted"},
	}...),
	rows(forMember, [][2]string{
		{"volume:create", "make a volume"},
		{"volume:create_from_image", "make a volume from an image"},
		{"volume:multiattach", "make a volume that several servers may attach"},
		{"volume:update", "change a volume's name and description, or whether it is bootable"},
		{"volume:delete", "delete a volume"},
		{"volume:extend", "make a volume larger"},
		{"volume:extend_attached_volume", "make a volume larger while it is attached"},
		{"volume:revert_to_snapshot", "take a volume back to its latest snapshot"},
		{"volume:retype", "give a volume another type"},
		{"volume:update_readonly_flag", "make a volume read-only, or writable"},
		{"volume:reimage", "write an image over a volume"},
		{"volume:reimage_reserved", "write an image over a volume that is reserved"},
		{"volume:create_volume_metadata", "add to a volume's metadata"},
		{"volume:update_volume_metadata", "replace a volume's metadata, or one key of it"},
		{"volume:delete_volume_metadata", "delete a key of a volume's metadata"},
		{"volume_extension:volume_image_metadata:set", "set the image metadata of a volume"},
		{"volume_extension:volume_image_metadata:remove", "take away a key of a volume's image metadata"},
		{"volume_extension:volume_actions:upload_image", "write a volume into an image"},
	}...),
	rows(forAdmin, [][2]string{
		{"volume:force_delete", "delete a volume from any status, with `force=true`"},
		{"volume:update_volume_admin_metadata", "change the metadata that only administrators see"},
		{"volume_extension:volume_host_attribute", "see the pool that a volume is in"},
		{"volume_extension:volume_mig_status_attribute", "see how a volume's migration stands"},
		{"volume_extension:volume_admin_actions:reset_status", "write a volume's status without asking the backend"},
		{"volume_extension:volume_admin_actions:force_delete", "delete a volume from any status, by action"},
		{"volume_extension:volume_admin_actions:force_detach", "detach a volume whatever the server says"},
		{"volume_extension:volume_admin_actions:migrate_volume", "move a volume to another pool"},
		{"volume_extension:volume_admin_actions:migrate_volume_completion", "say that a migration has finished"},
		{"volume_extension:volume_admin_actions:extend_volume_completion", "say that the extend of an attached volume has finished"},
		{"volume_extension:volume_actions:upload_public", "write a volume into an image that everybody sees"},
		{"volume_extension:list_manageable", "list what a backend holds that could become a volume"},
		{"volume_extension:volume_manage", "take over what a backend holds as a volume"},
		{"volume_extension:volume_unmanage", "let go of a volume and leave its data"},
	}...),
)

var snapshotRules = slices.Concat(
	rows(forReader, [][2]string{
		{"volume:get_snapshot", "show a snapshot"},
		{"volume:get_all_snapshots", "list snapshots"},
		{"volume:get_snapshot_metadata", "show a snapshot's metadata"},
		{"volume_extension:extended_snapshot_attributes", "see a snapshot's project and progress"},
	}...),
	rows(forMember, [][2]string{
		{"volume:create_snapshot", "make a snapshot"},
		{"volume:update_snapshot", "change a snapshot's name and description"},
		{"volume:delete_snapshot", "delete a snapshot"},
		{"volume:update_snapshot_metadata", "change a snapshot's metadata"},
		{"volume:delete_snapshot_metadata", "delete a key of a snapshot's metadata"},
		{"snapshot_extension:snapshot_actions:update_snapshot_status", "report how the making of a snapshot goes, as Nova does"},
	}...),
	rows(forAdmin, [][2]string{
		{"volume_extension:snapshot_admin_actions:reset_status", "write a snapshot's status without asking the backend"},
		{"volume_extension:snapshot_admin_actions:force_delete", "delete a snapshot from any status"},
		{"snapshot_extension:list_manageable", "list what a backend holds that could become a snapshot"},
		{"snapshot_extension:snapshot_manage", "take over what a backend holds as a snapshot"},
		{"snapshot_extension:snapshot_unmanage", "let go of a snapshot and leave its data"},
	}...),
)
