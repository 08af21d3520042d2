package policy

import "slices"

// Operation is one row of the table: a name that rules can be written for.
type Operation struct {
	Name    string
	Default string // the rule that holds where no file has another
	Help    string // one line
	// Base rows are asked by other rules, never by a request.
	Base bool
	// Own rows are Clinker's; Cinder has no such name.
	Own bool
}

// The personas that Cinder's defaults know. Keystone's roles imply each other (admin has member, member has reader), so none
// of these lists them all; manager and service have no say of their own in Cinder's defaults.
const (
	forAdmin  = "rule:admin_api"
	forMember = "rule:xena_system_admin_or_project_member"
	forReader = "rule:xena_system_admin_or_project_reader"
	forAll    = "@"
)

var baseRules = []Operation{
	{Name: adminRule, Default: "role:admin", Help: "who is_admin:True is true of, and who may look into every project"},
	{Name: "admin_api", Default: "is_admin:True or (role:admin and is_admin_project:True)", Help: "administrators"},
	{
		Name: "admin_or_owner", Default: "is_admin:True or (role:admin and is_admin_project:True) or project_id:%(project_id)s",
		Help: "administrators, and whoever has any role in the project; Cinder's default before Xena",
	},
	{
		Name: "xena_system_admin_or_project_reader", Default: "(role:admin) or (role:reader and project_id:%(project_id)s)",
		Help: "administrators, and the project's readers",
	},
	{
		Name: "xena_system_admin_or_project_member", Default: "(role:admin) or (role:member and project_id:%(project_id)s)",
		Help: "administrators, and the project's members",
	},
	{
		Name:    "system_or_domain_or_project_admin",
		Default: "(role:admin and system_scope:all) or (role:admin and domain_id:%(domain_id)s) or (role:admin and project_id:%(project_id)s)",
		Help:    "administrators of the cloud, of the domain or of the project",
	},
}

func base(rows []Operation) []Operation {
	for i := range rows {
		rows[i].Base = true
	}
	return rows
}

// rows makes operations with one default of pairs of name and help.
func rows(def string, pairs ...[2]string) []Operation {
	out := make([]Operation, len(pairs))
	for i, p := range pairs {
		out[i] = Operation{Name: p[0], Default: def, Help: p[1]}
	}
	return out
}

func own(rows []Operation) []Operation {
	for i := range rows {
		rows[i].Own = true
	}
	return rows
}

var table = slices.Concat(
	base(baseRules), volumeRules, snapshotRules, attachRules, transferRules, backupRules, typeRules,
	groupRules, operatorRules, ownRules,
)

// known is the table by name.
var known = func() map[string]*Operation {
	m := make(map[string]*Operation, len(table))
	for i := range table {
		if m[table[i].Name] != nil {
			panic("policy: two rows for " + table[i].Name)
		}
		m[table[i].Name] = &table[i]
	}
	return m
}()

// Table returns every operation, for documentation and tools.
func Table() []Operation { return slices.Clone(table) }

// Known tells whether requests are asked for under that name.
func Known(operation string) bool {
	o := known[operation]
	return o != nil && !o.Base
}

// oldNames are the names that Cinder once had for several operations together. A file that uses one means all of them.
var oldNames = map[string][]string{
	"volume_extension:types_manage": {
		"volume_extension:type_create", "volume_extension:type_update", "volume_extension:type_delete",
	},
	"volume_extension:quota_classes":         {"volume_extension:quota_classes:get", "volume_extension:quota_classes:update"},
	"volume_extension:volume_image_metadata": {"volume_extension:volume_image_metadata:show", "volume_extension:volume_image_metadata:set", "volume_extension:volume_image_metadata:remove"},
	"volume_extension:volume_type_encryption": {
		"volume_extension:volume_type_encryption:create", "volume_extension:volume_type_encryption:get",
		"volume_extension:volume_type_encryption:update", "volume_extension:volume_type_encryption:delete",
	},
	"group:group_types_manage": {"group:group_types:create", "group:group_types:update", "group:group_types:delete"},
	"group:group_types_specs": {
		"group:group_types_specs:get", "group:group_types_specs:get_all", "group:group_types_specs:create",
		"group:group_types_specs:update", "group:group_types_specs:delete",
	},
}

// gone are names of old files whose operations Cinder no longer has. They are read and have no effect.
var gone = []string{
	"consistencygroup:create", "consistencygroup:delete", "consistencygroup:update", "consistencygroup:get", "consistencygroup:get_all",
	"consistencygroup:create_cgsnapshot", "consistencygroup:delete_cgsnapshot", "consistencygroup:get_cgsnapshot", "consistencygroup:get_all_cgsnapshots",
}
