package policy

import "slices"

var operatorRules = slices.Concat(
	rows(forReader, [][2]string{
		{"message:get", "show a message"},
		{"message:get_all", "list messages"},
		{"limits_extension:used_limits", "see what of the limits is used"},
		{"volume_extension:quotas:show", "show a project's quota, its use and its defaults"},
	}...),
	rows(forMember, [][2]string{
		{"message:delete", "delete a message"},
	}...),
	rows(forAdmin, [][2]string{
		{"volume_extension:quotas:update", "change a project's quota"},
		{"volume_extension:quotas:delete", "take a project's quota back to the defaults"},
		{"volume_extension:quota_classes:get", "show a quota class"},
		{"volume_extension:quota_classes:update", "change a quota class"},
		{"volume_extension:capabilities", "show what a backend can do"},
		{"volume_extension:services:index", "list the services"},
		{"volume_extension:services:update", "enable and disable services, and set their logging"},
		{"volume_extension:hosts", "list, show and change hosts"},
		{"volume:freeze_host", "freeze a backend"},
		{"volume:thaw_host", "thaw a backend"},
		{"volume:failover_host", "go over to a backend's replica"},
		{"scheduler_extension:scheduler_stats:get_pools", "list the pools"},
		{"clusters:get", "show a cluster"},
		{"clusters:get_all", "list clusters"},
		{"clusters:update", "enable and disable a cluster"},
		{"workers:cleanup", "clean up after workers"},
	}...),
)

// ownRules are of what Cinder does not have, or asks nobody for.
var ownRules = own(slices.Concat(
	rows(forReader, [][2]string{
		{"flow:get", "show what became of an operation"},
		{"flow:get_all", "list operations"},
		{"attachment:get", "show an attachment, with how its host reaches the volume"},
		{"attachment:get_all", "list attachments"},
		{"backup_schedule:get", "show a backup schedule"},
		{"backup_schedule:get_all", "list backup schedules"},
	}...),
	rows(forMember, [][2]string{
		{"backup:verify", "read a backup back and compare every hash"},
		{"backup_schedule:create", "have a volume backed up at certain times"},
		{"backup_schedule:update", "change, pause and unpause a backup schedule"},
		{"backup_schedule:delete", "delete a backup schedule"},
		{"backup_schedule:run", "run a backup schedule at once"},
	}...),
	rows(forAdmin, [][2]string{
		{"flow:resolve", "retry, skip or abort a step of an operation that is held"},
		{"attachment_check:create", "compare attachments with what targets, hosts and guests have"},
		{"attachment_check:get", "show a check of attachments and what it found"},
		{"attachment_check:get_all", "list checks of attachments"},
		{"volume:host_attach", "attach a volume to a host that has a host worker, and to its guests"},
		{"volume:host_detach", "detach a volume from such a host"},
	}...),
	rows(forAll, [][2]string{
		{"limits:get", "show the limits"},
		{"availability_zone:get_all", "list the availability zones"},
		{"extension:get", "show an API extension"},
		{"extension:get_all", "list the API's extensions"},
		{"resource_filter:get_all", "list what lists can be filtered by"},
	}...),
))
