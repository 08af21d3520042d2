package config

// Names, defaults and limits of Cinder's options are those of its own tree
// (cinder/common/config.py and beside it, 2026); where a default differs, the
// help says so.

var defaultOptions = in(defaultSection,
	opt("enabled_backends", List, "dir", "back ends of this node, each the name of a section; unset, one `dir` back end that needs no section (Cinder: none)"),
	opt("host", String, "", "name of this node in `host@backend#pool`; unset, the machine's host name"),
	opt("my_ip", String, "", "address of this node; unset, the one that its default route uses"),
	opt("state_path", String, "/var/lib/clinker", "folder for what Clinker keeps on this machine (Cinder: /var/lib/cinder)"),

	opt("debug", Bool, "false", "log more"),
	opt("log_dir", String, "", "folder of the log file; unset, the log goes to standard error", alias("logdir")),
	opt("log_file", String, "", "name of the log file", alias("logfile")),
	opt("use_json", Bool, "false", "log lines as JSON"),

	opt("osapi_volume_listen", String, "127.0.0.1", "address the API listens on (Cinder: 0.0.0.0)"),
	opt("osapi_volume_listen_port", Int, "8776", "port the API listens on", port),
	opt("osapi_volume_use_ssl", Bool, "false", "the API takes TLS only, with what [ssl] names"),
	opt("rate_limit_project", Int, "0", "requests a second that a project may send to one API process, and as many again at once; 0 is no limit (Clinker's own)", atLeast(0)),
	opt("rate_limit_address", Int, "0", "the same of one address, looked at before the token (Clinker's own)", atLeast(0)),
	opt("trusted_proxies", List, "", "addresses and networks of proxies whose X-Forwarded-For is believed, for login_attempts, rate_limit_address and the audit log (Clinker's own)", checked(areNetworks)),
	opt("osapi_max_limit", Int, "1000", "most items one page of a list has", atLeast(1)),
	opt("public_endpoint", String, "", "base of the links in answers, where a proxy stands in front"),
	opt("project_id_regex", String, `[0-9a-f\-]+`, "what a project id in a path looks like", checked(isRegexp)),
	opt("auth_strategy", Choice, "", "who may call; unset, `keystone` when the file has a [keystone_authtoken] section, else `embedded`, Clinker's own identity service (Cinder: keystone)",
		oneOf("embedded", "keystone", "noauth", "noauth_include_project_id")),
	opt("idempotency_key_hours", Duration, "24", "how long an Idempotency-Key is remembered", unit("hours"), atLeast(1)),
	opt("message_ttl", Duration, "2592000", "how long user messages are kept", unit("seconds"), atLeast(1)),

	opt("default_volume_type", String, "__DEFAULT__", "type of a volume when the request names none"),
	opt("storage_availability_zone", String, "nova", "availability zone of this node"),
	opt("default_availability_zone", String, "", "zone of a volume when the request names none; unset, storage_availability_zone"),
	opt("allow_availability_zone_fallback", Bool, "false", "use the default zone when the one asked for does not exist"),
	opt("volume_name_template", String, "volume-%s", "name of a volume on its back end; %s is the id", checked(isTemplate)),
	opt("snapshot_name_template", String, "snapshot-%s", "name of a snapshot on its back end; %s is the id", checked(isTemplate)),
	opt("backup_name_template", String, "backup-%s", "name of a backup; %s is the id", checked(isTemplate)),

	opt("report_interval", Duration, "10", "how often a worker says that it lives", unit("seconds"), atLeast(1)),
	opt("service_down_time", Duration, "60", "silence after which a service counts as down; longer than report_interval", unit("seconds"), atLeast(1)),
	opt("backend_stats_polling_interval", Duration, "60", "without effect yet: space is measured each report_interval", unit("seconds"), atLeast(3)),

	opt("flow_retention_days", Duration, "7", "how long Temporal keeps the history of a finished flow (Clinker's own)", unit("days"), atLeast(1)),
	opt("flow_record_days", Duration, "30", "how long the record of a finished flow is kept; not shorter than flow_retention_days (Clinker's own)", unit("days"), atLeast(1)),
	opt("flow_backend_wait", Duration, "300", "how long a create tries again when the backends that would do are down, before it is held, or when the next report of a pool may show room for it, before it fails; 0 is not at all (Clinker's own)", unit("seconds"), atLeast(0)),
	opt("flow_hold_hours", Duration, "72", "how long a held flow waits for an operator before it is given up (Clinker's own)", unit("hours"), atLeast(1)),
)

var quotaOptions = in(defaultSection,
	opt("quota_volumes", Int, "10", "volumes a project may have; -1 is no limit", atLeast(-1)),
	opt("quota_snapshots", Int, "10", "snapshots a project may have; -1 is no limit", atLeast(-1)),
	opt("quota_gigabytes", Int, "1000", "size of volumes and snapshots together; -1 is no limit", unit("GiB"), atLeast(-1)),
	opt("quota_backups", Int, "10", "backups a project may have; -1 is no limit", atLeast(-1)),
	opt("quota_backup_gigabytes", Int, "1000", "size of backups together; -1 is no limit", unit("GiB"), atLeast(-1)),
	opt("quota_groups", Int, "10", "groups a project may have; -1 is no limit", atLeast(-1), alias("quota_consistencygroups")),
	opt("per_volume_size_limit", Int, "-1", "largest single volume; -1 is no limit", unit("GiB"), atLeast(-1)),
	opt("no_snapshot_gb_quota", Bool, "false", "snapshots don't count towards quota_gigabytes"),
	opt("use_default_quota_class", Bool, "true", "the quota class `default` in the database comes before these options"),
)

var schedulerOptions = in(defaultSection,
	opt("scheduler_default_filters", List, "AvailabilityZoneFilter,CapacityFilter,CapabilitiesFilter,DifferentBackendFilter,SameBackendFilter,IgnoreAttemptedHostsFilter", "which pools may take a volume, in order (Cinder: the first three, which drop a request's hints)",
		oneOf("AvailabilityZoneFilter", "CapacityFilter", "CapabilitiesFilter", "DifferentBackendFilter", "SameBackendFilter",
			"IgnoreAttemptedHostsFilter", "DriverFilter", "InstanceLocalityFilter", "JsonFilter")),
	opt("scheduler_default_weighers", List, "CapacityWeigher", "which of them is best",
		oneOf("CapacityWeigher", "AllocatedCapacityWeigher", "VolumeNumberWeigher", "ChanceWeigher", "GoodnessWeigher")),
	opt("scheduler_weight_handler", String, "OrderedHostWeightHandler", "the best pool first (OrderedHostWeightHandler), or a draw in which weight is chance (StochasticHostWeightHandler)", checked(isWeightHandler)),
	opt("scheduler_max_attempts", Int, "3", "back ends tried for one volume", between(1, 100)),
	opt("capacity_weight_multiplier", Float, "1.0", "weight of free space; negative fills one pool before the next"),
	opt("allocated_capacity_weight_multiplier", Float, "-1.0", "weight of allocated space; negative spreads"),
	opt("volume_number_multiplier", Float, "-1.0", "weight of the number of volumes; negative spreads"),
	opt("chance_weight_multiplier", Float, "1.0", "weight of chance (Clinker's own; Cinder: fixed)"),
	opt("goodness_weight_multiplier", Float, "1.0", "weight of goodness_function (Clinker's own; Cinder: fixed)"),
)
