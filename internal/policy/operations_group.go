package policy

import "slices"

// groupRules are of groups of volumes, which Clinker does not serve yet.
var groupRules = slices.Concat(
	rows(forReader, [][2]string{
		{"group:get", "show a group"},
		{"group:get_all", "list groups"},
		{"group:get_group_snapshot", "show a group snapshot"},
		{"group:get_all_group_snapshots", "list group snapshots"},
	}...),
	rows(forMember, [][2]string{
		{"group:create", "make a group"},
		{"group:update", "change a group"},
		{"group:delete", "delete a group"},
		{"group:create_group_snapshot", "make a group snapshot"},
		{"group:update_group_snapshot", "change a group snapshot"},
		{"group:delete_group_snapshot", "delete a group snapshot"},
		{"group:enable_replication", "replicate a group"},
		{"group:disable_replication", "no longer replicate a group"},
		{"group:failover_replication", "go over to a group's replica"},
		{"group:list_replication_targets", "list where a group is replicated to"},
	}...),
	rows(forAdmin, [][2]string{
		{"group:group_project_attribute", "see a group's project"},
		{"group:group_snapshot_project_attribute", "see a group snapshot's project"},
		{"group:reset_status", "write a group's status"},
		{"group:reset_group_snapshot_status", "write a group snapshot's status"},
		{"group:group_types:create", "make a group type"},
		{"group:group_types:update", "change a group type"},
		{"group:group_types:delete", "delete a group type"},
		{"group:access_group_types_specs", "see specs with a group type"},
		{"group:group_types_specs:get", "show one of a group type's specs"},
		{"group:group_types_specs:get_all", "list a group type's specs"},
		{"group:group_types_specs:create", "add specs to a group type"},
		{"group:group_types_specs:update", "change one of a group type's specs"},
		{"group:group_types_specs:delete", "delete one of a group type's specs"},
	}...),
)
