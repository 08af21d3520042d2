package policy

import "slices"

var attachRules = rows(forMember, [][2]string{
	{"volume:attachment_create", "begin an attachment"},
	{"volume:attachment_update", "give an attachment its connector, and get the connection"},
	{"volume:attachment_complete", "say that an attachment is in use"},
	{"volume:attachment_delete", "end an attachment"},
	{"volume:multiattach_bootable_volume", "attach a bootable volume to several servers"},
	{"volume_extension:volume_actions:reserve", "reserve a volume for an attachment"},
	{"volume_extension:volume_actions:unreserve", "take a reservation back"},
	{"volume_extension:volume_actions:attach", "say that a volume is attached"},
	{"volume_extension:volume_actions:detach", "say that a volume is detached"},
	{"volume_extension:volume_actions:begin_detaching", "say that a detach begins"},
	{"volume_extension:volume_actions:roll_detaching", "say that a detach did not happen"},
	{"volume_extension:volume_actions:initialize_connection", "export a volume to a host"},
	{"volume_extension:volume_actions:terminate_connection", "end an export to a host"},
}...)

var transferRules = slices.Concat(
	rows(forReader, [][2]string{
		{"volume:get_transfer", "show a transfer"},
		{"volume:get_all_transfers", "list transfers"},
	}...),
	rows(forMember, [][2]string{
		{"volume:create_transfer", "offer a volume to another project"},
		{"volume:accept_transfer", "take an offered volume"},
		{"volume:delete_transfer", "take an offer back"},
	}...),
)

var backupRules = slices.Concat(
	rows(forReader, [][2]string{
		{"backup:get", "show a backup"},
		{"backup:get_all", "list backups"},
	}...),
	rows(forMember, [][2]string{
		{"backup:create", "make a backup"},
		{"backup:update", "change a backup's name, description and metadata"},
		{"backup:delete", "delete a backup"},
		{"backup:restore", "write a backup into a volume"},
	}...),
	rows(forAdmin, [][2]string{
		{"backup:backup_project_attribute", "see a backup's project"},
		{"backup:backup-import", "import the record of a backup"},
		{"backup:export-import", "export the record of a backup"},
		{"volume_extension:backup_admin_actions:reset_status", "write a backup's status"},
		{"volume_extension:backup_admin_actions:force_delete", "delete a backup from any status"},
	}...),
)
