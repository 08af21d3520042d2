package policy

import "slices"

var typeRules = slices.Concat(
	rows(forReader, [][2]string{
		{"volume_extension:type_get", "show a volume type"},
		{"volume_extension:type_get_all", "list volume types"},
		{"volume_extension:access_types_extra_specs", "see extra specs with a type; which of them, another rule says"},
		{"volume_extension:types_extra_specs:index", "list a type's extra specs"},
		{"volume_extension:types_extra_specs:show", "show one of a type's extra specs"},
	}...),
	rows(forMember, [][2]string{
		{"volume_extension:volume_type_access", "see whether a type is public"},
	}...),
	rows(forAdmin, [][2]string{
		{"volume_extension:type_create", "make a volume type"},
		{"volume_extension:type_update", "change a volume type"},
		{"volume_extension:type_delete", "delete a volume type"},
		{"volume_extension:access_types_qos_specs_id", "see the id of a type's QoS specs"},
		{"volume_extension:types_extra_specs:read_sensitive", "see the extra specs that tell of the deployment"},
		{"volume_extension:types_extra_specs:create", "add extra specs to a type"},
		{"volume_extension:types_extra_specs:update", "change one of a type's extra specs"},
		{"volume_extension:types_extra_specs:delete", "delete one of a type's extra specs"},
		{"volume_extension:volume_type_access:get_all_for_type", "list the projects that may use a private type"},
		{"volume_extension:volume_type_access:addProjectAccess", "let a project use a private type"},
		{"volume_extension:volume_type_access:removeProjectAccess", "no longer let a project use a private type"},
		{"volume_extension:volume_type_encryption:create", "give a type its encryption"},
		{"volume_extension:volume_type_encryption:get", "show a type's encryption"},
		{"volume_extension:volume_type_encryption:update", "change a type's encryption"},
		{"volume_extension:volume_type_encryption:delete", "take a type's encryption away"},
		{"volume_extension:qos_specs_manage:get_all", "list QoS specs, and the types that have them"},
		{"volume_extension:qos_specs_manage:get", "show QoS specs"},
		{"volume_extension:qos_specs_manage:create", "make QoS specs"},
		{"volume_extension:qos_specs_manage:update", "change QoS specs, and give them to types"},
		{"volume_extension:qos_specs_manage:delete", "delete QoS specs, or keys of them"},
		{"volume_extension:default_set_or_update", "set a project's default type"},
		{"volume_extension:default_get", "show a project's default type"},
		{"volume_extension:default_get_all", "list the projects' default types"},
		{"volume_extension:default_unset", "take a project's default type away"},
	}...),
)
