package config

import (
	"regexp"
	"strconv"
	"time"
)

// reader gives typed values of one section's options. A value that is wrong was
// reported by judge; here its default stands in.
type reader struct {
	*settings
	section string // in the table
	heading string // in the file
	seen    map[optionKey]bool
}

func (r *reader) in(section, heading string) *reader {
	return &reader{settings: r.settings, section: section, heading: heading, seen: r.seen}
}

// text returns an option's value. It panics on a name that the table doesn't
// have, which is a mistake of ours that every test of this package meets.
func (r *reader) text(name string) string {
	o := registry.must(r.section, name)
	r.seen[optionKey{r.section, name}] = true
	v, err := r.value(o, r.heading)
	if err == nil {
		err = o.validate(v)
	}
	if err != nil {
		budget := maxLookups
		v, _ = r.expand(&budget, o.Default, o.Section, r.heading)
	}
	return v
}

// The table's own checks have run, so what the parsers say is settled.

func (r *reader) number(name string) int {
	n, _ := strconv.Atoi(r.text(name))
	return n
}

func (r *reader) float(name string) float64 {
	f, _ := strconv.ParseFloat(r.text(name), 64)
	return f
}

func (r *reader) yes(name string) bool {
	b, _ := parseBool(r.text(name))
	return b
}

func (r *reader) list(name string) []string { return parseList(r.text(name)) }

func (r *reader) duration(name string) time.Duration {
	d, _ := parseDuration(r.text(name), registry.must(r.section, name).Unit)
	return d
}

func (r *reader) ratio(name string) OverSubscription {
	o, _ := parseRatio(r.text(name))
	return o
}

// options gathers the section's options that are wanted, by present name.
func (r *reader) options(wanted func(*Option) bool) Options {
	options := Options{}
	for i := range registry.options {
		o := &registry.options[i]
		if o.Section == r.section && o.Status == Used && wanted(o) {
			options[o.Name] = r.text(o.Name)
		}
	}
	return options
}

func orElse(v, other string) string {
	if v != "" {
		return v
	}
	return other
}

func (s *settings) decode() *Config {
	c, _ := s.decodeSeen()
	return c
}

// decodeSeen also tells which options it looked at.
func (s *settings) decodeSeen() (*Config, map[optionKey]bool) {
	r := &reader{settings: s, section: defaultSection, heading: defaultSection, seen: map[optionKey]bool{}}
	c := &Config{
		Host:      r.text("host"),
		MyIP:      r.text("my_ip"),
		StatePath: r.text("state_path"),
		Log:       Log{Debug: r.yes("debug"), Dir: r.text("log_dir"), File: r.text("log_file"), JSON: r.yes("use_json")},
		API:       r.api(),
		Keystone:  r.in("keystone_authtoken", "keystone_authtoken").keystone(),
		Nova:      r.in("nova", "nova").nova(),
		Identity:  r.in("identity", "identity").identity(),
		Database:  r.in("database", "database").database(),
		Temporal:  r.in("temporal", "temporal").temporal(),
		Service: Service{
			ReportInterval: r.duration("report_interval"),
			DownTime:       r.duration("service_down_time"),
			StatsInterval:  r.duration("backend_stats_polling_interval"),
		},
		Scheduler: r.scheduler(),
		Quota:     r.quota(),
		Flows: Flows{
			Retention: r.duration("flow_retention_days"), RecordAge: r.duration("flow_record_days"), Hold: r.duration("flow_hold_hours"),
			BackendWait: r.duration("flow_backend_wait"),
		},
		Volumes: r.volumes(),
		Backup:  r.backup(),
	}
	r.seen[optionKey{defaultSection, "enabled_backends"}] = true // settings read it
	for _, name := range s.backends {
		c.Backends = append(c.Backends, r.backend(name, c))
	}
	return c, r.seen
}

func (r *reader) api() API {
	auth := r.text("auth_strategy")
	if auth == "" {
		auth = "embedded"
		if r.tree.find("keystone_authtoken") != nil {
			auth = "keystone"
		}
	}
	project, err := regexp.Compile("^(?:" + r.text("project_id_regex") + ")$")
	if err != nil { // it parses alone, but not inside a group
		project = regexp.MustCompile("^(?:" + registry.must(defaultSection, "project_id_regex").Default + ")$")
	}
	ssl := r.in("ssl", "ssl")
	return API{
		UseTLS: r.yes("osapi_volume_use_ssl"), CertFile: ssl.text("cert_file"), KeyFile: ssl.text("key_file"), CAFile: ssl.text("ca_file"),
		ProjectRate: r.number("rate_limit_project"), AddressRate: r.number("rate_limit_address"), TrustedProxies: networks(r.list("trusted_proxies")),
		Listen:             r.text("osapi_volume_listen"),
		Port:               r.number("osapi_volume_listen_port"),
		MaxLimit:           r.number("osapi_max_limit"),
		MaxRequestBodySize: int64(r.in("oslo_middleware", "oslo_middleware").number("max_request_body_size")),
		PublicEndpoint:     r.text("public_endpoint"),
		ProjectID:          project,
		AuthStrategy:       auth,
		IdempotencyKeyAge:  r.duration("idempotency_key_hours"),
		MessageTTL:         r.duration("message_ttl"),
		PolicyFile:         r.in("oslo_policy", "oslo_policy").text("policy_file"),
		PolicyDirs:         r.in("oslo_policy", "oslo_policy").list("policy_dirs"),
	}
}

func (r *reader) identity() Identity {
	return Identity{TokenTTL: r.duration("token_expiration"), Attempts: r.number("login_attempts"), Lockout: r.duration("login_lockout"), KeyFile: r.text("key_file")}
}

func (r *reader) scheduler() Scheduler {
	return Scheduler{
		Filters:     r.list("scheduler_default_filters"),
		Weighers:    r.list("scheduler_default_weighers"),
		MaxAttempts: r.number("scheduler_max_attempts"),
		Handler:     weightHandlerName(r.text("scheduler_weight_handler")),
		Multipliers: map[string]float64{
			"CapacityWeigher":          r.float("capacity_weight_multiplier"),
			"AllocatedCapacityWeigher": r.float("allocated_capacity_weight_multiplier"),
			"VolumeNumberWeigher":      r.float("volume_number_multiplier"),
			"ChanceWeigher":            r.float("chance_weight_multiplier"),
			"GoodnessWeigher":          r.float("goodness_weight_multiplier"),
		},
	}
}

func (r *reader) quota() Quota {
	return Quota{
		Volumes:            r.number("quota_volumes"),
		Snapshots:          r.number("quota_snapshots"),
		Gigabytes:          r.number("quota_gigabytes"),
		Backups:            r.number("quota_backups"),
		BackupGigabytes:    r.number("quota_backup_gigabytes"),
		Groups:             r.number("quota_groups"),
		PerVolumeGigabytes: r.number("per_volume_size_limit"),
		NoSnapshotGB:       r.yes("no_snapshot_gb_quota"),
		UseDefaultClass:    r.yes("use_default_quota_class"),
	}
}

func (r *reader) volumes() Volumes {
	zone := r.text("storage_availability_zone")
	return Volumes{
		DefaultType:             r.text("default_volume_type"),
		AvailabilityZone:        zone,
		DefaultAvailabilityZone: orElse(r.text("default_availability_zone"), zone),
		ZoneFallback:            r.yes("allow_availability_zone_fallback"),
		VolumeName:              r.text("volume_name_template"),
		SnapshotName:            r.text("snapshot_name_template"),
		BackupName:              r.text("backup_name_template"),
	}
}

func (r *reader) backup() Backup {
	compression := r.text("backup_compression_algorithm")
	if same, ok := (map[string]string{"gzip": "zlib", "bzip2": "bz2", "off": "none", "no": "none"})[compression]; ok {
		compression = same
	}
	b := Backup{
		Driver:        backupDriverName(r.text("backup_driver")),
		Compression:   compression,
		Hash:          r.text("backup_hash_algorithm"),
		KeyFile:       r.text("backup_encryption_key_file"),
		MaxOperations: r.number("backup_max_operations"),
		Memory:        int64(r.number("backup_memory_limit")) << 20,
		Limit:         r.number("backup_bps_limit"),
		RestoreLimit:  r.number("backup_restore_bps_limit"),
		Options:       Options{},
	}
	for i := range backupOptions {
		b.Options[backupOptions[i].Name] = r.text(backupOptions[i].Name)
	}
	return b
}

func (r *reader) database() Database {
	d, _ := parseDatabaseURL(r.text("connection"))
	d.MaxIdle = r.number("max_pool_size")
	d.MaxOpen = d.MaxIdle + r.number("max_overflow")
	d.MaxLifetime = r.duration("connection_recycle_time")
	d.RelaxedDurability = r.yes("relaxed_durability")
	return d
}

func (r *reader) temporal() Temporal {
	return Temporal{
		Address:    r.text("address"),
		Namespace:  r.text("namespace"),
		TLSCA:      r.text("tls_ca"),
		TLSCert:    r.text("tls_cert"),
		TLSKey:     r.text("tls_key"),
		ServerName: r.text("server_name"),
		APIKeyFile: r.text("api_key_file"),

		Authorize: r.text("authorize"), ServerCert: r.text("server_cert"), ServerKey: r.text("server_key"), ServerClientCA: r.text("server_client_ca"),
		PayloadKeys: r.text("payload_keys"),
	}
}

func (r *reader) keystone() Keystone {
	url := r.text("auth_url")
	r.text("auth_type") // checked by its choices; both are the password plugin
	return Keystone{
		AuthURL:                   url,
		WWWAuthenticateURI:        orElse(r.text("www_authenticate_uri"), url),
		Username:                  r.text("username"),
		Password:                  Secret(r.text("password")),
		ProjectName:               r.text("project_name"),
		UserDomainName:            r.text("user_domain_name"),
		UserDomainID:              r.text("user_domain_id"),
		ProjectDomainName:         r.text("project_domain_name"),
		ProjectDomainID:           r.text("project_domain_id"),
		CAFile:                    r.text("cafile"),
		Insecure:                  r.yes("insecure"),
		ConnectTimeout:            r.duration("http_connect_timeout"),
		TokenCacheTime:            r.duration("token_cache_time"),
		ServiceTokenRoles:         r.list("service_token_roles"),
		ServiceTokenRolesRequired: r.yes("service_token_roles_required"),
		Region:                    r.text("region_name"),
		Interface:                 r.text("interface"),
	}
}

func (r *reader) nova() Nova {
	login := r
	for _, name := range []string{"auth_url", "auth_type", "username", "password", "project_name", "user_domain_name", "user_domain_id", "project_domain_name", "project_domain_id"} {
		r.text(name) // looked at, wherever the login is taken from
	}
	if r.text("auth_section") == "keystone_authtoken" {
		login = r.in("keystone_authtoken", "keystone_authtoken")
	}
	return Nova{
		AuthURL: login.text("auth_url"), Username: login.text("username"), Password: Secret(login.text("password")), ProjectName: login.text("project_name"),
		UserDomainName: login.text("user_domain_name"), UserDomainID: login.text("user_domain_id"),
		ProjectDomainName: login.text("project_domain_name"), ProjectDomainID: login.text("project_domain_id"),
		Region: r.text("region_name"), Interface: r.text("interface"), CAFile: r.text("cafile"), Insecure: r.yes("insecure"), Timeout: r.duration("timeout"),
	}
}
