package config

import "slices"

const (
	whyBroker   = "Clinker has no message broker: Temporal's task queues carry the work"
	whyGo       = "concerns Python's services; Clinker is one program"
	whyImage    = "volumes from and to images are not there yet"
	whyLog      = "the log is structured; debug, log_dir, log_file and use_json are what it has"
	whyQuota    = "usage is counted in the same transaction as the row; nothing expires or is refreshed"
	whyDriver   = "belongs to a driver that Clinker does not have"
	whyVersions = "the API is v3; older versions are gone from Cinder too"
	whyDatabase = "Clinker's own connection handling"
	whyToken    = "token checks need no such setting here"
)

// acceptedOptions are Cinder's, taken without effect.
var acceptedOptions = slices.Concat(
	accepted(defaultSection, whyBroker, `transport_url rpc_backend control_exchange rpc_response_timeout rpc_conn_pool_size rpc_thread_pool_size
		rpc_ping_enabled rpc_cast_timeout rpc_poll_timeout executor_thread_pool_size conn_pool_min_size conn_pool_ttl notification_driver
		notification_topics default_notification_level default_publisher_id rabbit_host rabbit_port rabbit_hosts rabbit_userid rabbit_password rabbit_virtual_host
		rabbit_use_ssl rabbit_ha_queues rabbit_retry_interval rabbit_retry_backoff rabbit_max_retries amqp_durable_queues amqp_auto_delete qpid_hostname qpid_port
		qpid_username qpid_password scheduler_topic volume_topic backup_topic`),
	accepted(defaultSection, whyGo, `rootwrap_config api_paste_config osapi_volume_workers lock_path pybasedir bindir root_helper monkey_patch monkey_patch_modules
		fatal_exception_format_errors disable_process_locking periodic_interval periodic_fuzzy_delay run_external_periodic_tasks backdoor_port backdoor_socket
		graceful_shutdown_timeout client_socket_timeout wsgi_keep_alive wsgi_default_pool_size wsgi_log_format wsgi_server_debug max_header_line log_options tcp_keepalive
		tcp_keepalive_interval tcp_keepalive_count tcp_keepidle backup_workers backup_native_threads_pool_size
		backup_processes volume_manager scheduler_manager backup_manager volume_api_class backup_api_class transfer_api_class group_api_class consistencygroup_api_class
		compute_api_class db_driver db_backend use_tpool enable_new_services sqlite_db sqlite_synchronous sql_connection_debug sql_max_retries sql_retry_interval
		osapi_volume_ext_list osapi_volume_extension osapi_volume_base_URL use_forwarded_for api_rate_limit
		enable_volume_metadata volume_usage_audit_period zoning_mode cluster init_host_max_objects_retrieval volume_service_inithost_offload
		backup_service_inithost_offload reinit_driver_count migration_create_volume_timeout_secs suppress_requests_ssl_warnings az_cache_duration message_reap_interval
		scheduler_driver scheduler_host_manager scheduler_driver_init_wait_time scheduler_json_config_location
		strict_ssh_host_key_policy ssh_hosts_key_file storage_protocol default_group_type allow_force_upload enable_force_upload
		resource_query_filters_file volume_transfer_salt_length volume_transfer_key_length cinder_internal_tenant_project_id cinder_internal_tenant_user_id`),
	accepted(defaultSection, "a widespread misspelling of api_paste_config, which Clinker has no use for either", `api_paste_confg`),
	accepted(defaultSection, whyVersions, `enable_v1_api enable_v2_api enable_v3_api`),
	accepted(defaultSection, whyQuota, `quota_driver reservation_expire reservation_clean_interval until_refresh max_age`),
	accepted(defaultSection, whyImage, `glance_api_servers glance_host glance_port glance_api_version glance_num_retries glance_api_insecure glance_api_ssl_compression
		glance_ca_certificates_file glance_certfile glance_keyfile glance_request_timeout glance_catalog_info glance_core_properties allowed_direct_url_schemes
		verify_glance_signatures image_conversion_dir image_conversion_disable image_conversion_cpu_limit image_conversion_address_space_limit image_compress_on_upload
		compression_format allow_compression_on_image_upload vmdk_allowed_types reserved_image_namespaces`),
	accepted(defaultSection, whyLog, `verbose log_config_append log_config log-config-append log-dir log-file log_date_format log-date-format use_syslog use-syslog use_journal use-journal use-json
		syslog_log_facility syslog-log-facility use_stderr use_eventlog watch_log_file watch-log-file log_rotate_interval log_rotate_interval_type log_rotation_type
		max_logfile_count max_logfile_size_mb default_log_levels publish_errors instance_format instance_uuid_format logging_context_format_string
		logging_default_format_string logging_debug_format_suffix logging_exception_prefix logging_user_identity_format rate_limit_interval rate_limit_burst
		rate_limit_except_level trace_flags split_loggers fatal_deprecations`),
	accepted(defaultSection, "a clone, and a volume from a snapshot, is always made in the pool of its source", `cloned_volume_same_az snapshot_same_host`),
	accepted(defaultSection, "a backup is made and restored on its volume's own host", `backup_use_same_host`),
	accepted(defaultSection, "the store is logged in to as one user, at backup_swift_auth_url", `swift_catalog_info backup_swift_auth backup_swift_retry_backoff`),
	accepted(defaultSection, "S3 knows one algorithm, AES256", `backup_s3_sse_customer_algorithm`),
	accepted(defaultSection, "Clinker's own backup format and progress", `backup_file_size backup_sha_block_size_bytes backup_swift_object_size
		backup_swift_block_size backup_s3_object_size backup_s3_block_size backup_metadata_version backup_object_number_per_notification backup_timer_interval
		backup_driver_init_check_interval backup_driver_stats_polling_interval backup_driver_status_check_interval backup_enable_progress_timer
		backup_swift_enable_progress_timer backup_s3_enable_progress_timer backup_swift_service_auth backup_s3_http_proxy backup_s3_https_proxy backup_s3_retry_mode
		keystone_catalog_info glusterfs_backup_mount_point glusterfs_backup_share`),
	accepted(defaultSection, whyDriver, `backup_ceph_conf backup_ceph_user backup_ceph_chunk_size backup_ceph_pool backup_ceph_stripe_unit backup_ceph_stripe_count
		backup_ceph_image_journals backup_ceph_max_snapshots restore_discard_excess_bytes backup_gcs_bucket backup_gcs_object_size backup_gcs_block_size
		backup_gcs_reader_chunk_size backup_gcs_writer_chunk_size backup_gcs_num_retries backup_gcs_retry_error_codes backup_gcs_bucket_location
		backup_gcs_storage_class backup_gcs_credential_file backup_gcs_project_id backup_gcs_user_agent backup_gcs_enable_progress_timer backup_gcs_proxy_url`),

	accepted(backendSection, whyImage, `image_volume_cache_enabled image_volume_cache_max_size_gb image_volume_cache_max_count image_upload_use_cinder_backend
		image_upload_use_internal_tenant use_multipath_for_image_xfer enforce_multipath_for_image_xfer`),
	accepted(backendSection, whyGo, `trace_flags enable_unsupported_driver backend_native_threads_pool_size suppress_requests_ssl_warnings
		volume_copy_blkio_cgroup_name`),
	accepted(backendSection, "a backup of a volume in use always reads a temporary snapshot", `backup_use_temp_snapshot`),
	accepted(backendSection, "tgtd is spoken to by its socket, an export a volume", `volumes_dir iscsi_target_flags lvm_share_target`),
	accepted(backendSection, "Clinker's own way of running LVM, copying and looking for devices", `lvm_suppress_fd_warnings volume_dd_blocksize
		num_volume_device_scan_tries num_iscsi_scan_tries`),
	accepted(backendSection, "Clinker works on files as the user that it runs as", `nas_secure_file_operations`),
	accepted(backendSection, "replication is not there yet: nothing is replicated", `replication_device`),
	accepted(backendSection, "not offered by Clinker's drivers", `unique_fqdn_network extra_capabilities storage_protocol disk_geometry driver_data_namespace
		driver_ssl_cert_verify driver_ssl_cert_path driver_use_ssl driver_client_cert driver_client_cert_key`),
	accepted(backendSection, whyDriver, `chiscsi_conf scst_target_iqn_name scst_target_driver iser_helper iser_port iser_ip_address iser_target_prefix num_iser_scan_tries
		nvmet_port_id nvmet_ns_id nvmeof_conn_info_version spdk_rpc_ip spdk_rpc_port spdk_rpc_username spdk_rpc_password spdk_rpc_protocol spdk_max_queue_depth
		nas_login nas_password nas_ssh_port nas_private_key`),
	accepted(backendSection, "older than nas_volume_prov_type, which says it now", `glusterfs_disk_util nfs_disk_util nfs_used_ratio nfs_oversub_ratio pool_size`),

	accepted("database", whyDatabase, `backend slave_connection mysql_sql_mode mysql_enable_ndb mysql_wsrep_sync_wait sqlite_synchronous min_pool_size max_retries
		retry_interval pool_timeout connection_debug connection_trace connection_parameters use_db_reconnect db_retry_interval db_inc_retry_interval
		db_max_retry_interval db_max_retries use_tpool sqlite_db`),
	accepted("keystone_authtoken", whyToken, `memcached_servers memcache_servers memcache_security_strategy memcache_secret_key memcache_pool_dead_retry
		memcache_pool_maxsize memcache_pool_socket_timeout memcache_pool_unused_timeout memcache_pool_conn_get_timeout memcache_use_advanced_pool auth_version cache
		certfile keyfile delay_auth_decision enforce_token_bind include_service_catalog http_request_max_retries service_type signing_dir hash_algorithms
		auth_section auth_host auth_port auth_protocol admin_token revocation_cache_time check_revocations_for_cached timeout trust_id system_scope default_domain_id
		default_domain_name domain_id domain_name project_id user_id tenant_id`),
	accepted("nova", "Nova is told by Clinker's own user, with its password", `token_auth_url certfile keyfile collect_timing split_loggers default_domain_id
		default_domain_name domain_id domain_name project_id user_id tenant_id system_scope trust_id`),
	accepted("oslo_middleware", "a proxy's headers are not looked at; public_endpoint says the address", `enable_proxy_headers_parsing secure_proxy_ssl_header`),
	accepted("oslo_policy", "Clinker's own policy rules", `enforce_scope enforce_new_defaults policy_default_rule remote_content_type
		remote_ssl_verify_server_crt remote_ssl_ca_crt_file remote_ssl_client_crt_file remote_ssl_client_key_file remote_timeout`),
)

// acceptedSections are taken whole, whatever they hold.
var acceptedSections = []struct{ names, why string }{
	{"oslo_messaging_rabbit oslo_messaging_amqp oslo_messaging_kafka oslo_messaging_notifications oslo_messaging_zmq", whyBroker},
	{"oslo_concurrency oslo_reports oslo_versionedobjects privsep cinder_sys_admin privsep_osbrick os_brick ssl oslo_service healthcheck", whyGo},
	{"coordination", "locks live with the node that holds the volume, and in Temporal"},
	{"service_user", "Nova is told by Clinker's own user, see [nova]"},
	{"glance", whyImage},
	{"key_manager barbican vault castellan keymgr", "volume encryption is not there yet"},
	{"cors profiler oslo_limit sample_castellan_source sample_remote_file_source", whyGo},
	{"brcd_fabric_example cisco_fabric_example fc-zone-manager fc_zone_manager", whyDriver},
}
