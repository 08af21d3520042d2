package sharefs

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// options are the section's settings.
type options struct {
	sharesFile string
	only       *Share // nas_host and nas_share_path in place of a shares file
	base       string // folder of the mounts
	mount      string // options of every mount
	attempts   int    // to mount a share
	thick      bool   // blocks are given at creation unless a volume says otherwise
	qcow2      bool   // new volumes are qcow2 files
	snapshots  bool
	mode       uint32 // of files
}

func readOptions(k Kind, cfg drivers.Config) (o options, err error) {
	get := func(name string) string { return cfg.Options[k.option(name)] }
	o.sharesFile = cmp.Or(get("shares_config"), "/etc/cinder/"+k.Name+"_shares")
	o.base = get("mount_point_base")
	if o.base == "" && cfg.StateDir != "" {
		o.base = filepath.Join(cfg.StateDir, "mnt")
	}
	if o.base == "" {
		return o, fmt.Errorf("%w: %s is not set and there is no state folder to mount shares in", drivers.ErrInvalid, k.option("mount_point_base"))
	}
	if o.base, err = filepath.Abs(o.base); err != nil {
		return o, fmt.Errorf("%w: %s: %w", drivers.ErrInvalid, k.option("mount_point_base"), err)
	}
	o.mount = joinOptions(k.MountOptions, get("mount_options"), cfg.Options["nas_mount_options"])
	if !plain(o.mount) {
		return o, fmt.Errorf("%w: mount options %q", drivers.ErrInvalid, o.mount)
	}
	if host := cfg.Options["nas_host"]; host != "" && k.Bracketed {
		o.only = &Share{Address: host + ":" + cfg.Options["nas_share_path"]}
		if err := checkAddress(o.only.Address, k.Bracketed); err != nil {
			return o, fmt.Errorf("%w: nas_host, nas_share_path: %w", drivers.ErrInvalid, err)
		}
	}
	o.attempts = 3
	if text := get("mount_attempts"); text != "" {
		if o.attempts, err = strconv.Atoi(text); err != nil || o.attempts < 1 {
			return o, fmt.Errorf("%w: %s = %s; want a number of at least 1", drivers.ErrInvalid, k.option("mount_attempts"), text)
		}
	}
	sparse, err := yes(cfg, k.option("sparsed_volumes"), true)
	if err != nil {
		return o, err
	}
	switch p := cmp.Or(cfg.Provisioning, cfg.Options["nas_volume_prov_type"], "thin"); p {
	case "thin", "thick":
		o.thick = p == "thick" || !sparse
	default:
		return o, fmt.Errorf("%w: nas_volume_prov_type = %s; allowed are thin and thick", drivers.ErrInvalid, p)
	}
	if o.qcow2, err = yes(cfg, k.option("qcow2_volumes"), false); err != nil {
		return o, err
	}
	if o.snapshots, err = yes(cfg, k.option("snapshot_support"), true); err != nil {
		return o, err
	}
	o.mode = 0o660
	if cfg.Options["nas_secure_file_permissions"] == "false" {
		o.mode = 0o666
	}
	return o, nil
}

func yes(cfg drivers.Config, name string, otherwise bool) (bool, error) {
	switch strings.ToLower(cfg.Options[name]) {
	case "":
		return otherwise, nil
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%w: %s = %s; want true or false", drivers.ErrInvalid, name, cfg.Options[name])
}

// joinOptions makes one list of mount options; -o in front of one, as Cinder's files have it, is dropped.
func joinOptions(lists ...string) string {
	var all []string
	for _, list := range lists {
		list = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(list), "-o"))
		if list = strings.Trim(list, ","); list != "" {
			all = append(all, list)
		}
	}
	return strings.Join(all, ",")
}
