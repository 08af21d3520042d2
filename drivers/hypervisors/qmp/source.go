package qmp

import (
	"fmt"
	"os"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
)

// source is the protocol node of a disk: a device or file of the host, or QEMU's own client. What QEMU caches, it writes when the guest flushes.
func source(d hypervisors.Disk) (map[string]any, error) {
	if d.Path != "" {
		driver := "file"
		if st, err := os.Stat(d.Path); err != nil {
			return nil, err
		} else if st.Mode()&os.ModeDevice != 0 {
			driver = "host_device"
		}
		return map[string]any{"driver": driver, "filename": d.Path}, nil
	}
	text := func(key string) string {
		s, _ := d.Connection.Data[key].(string)
		return s
	}
	switch protocol := d.Connection.DriverVolumeType; protocol {
	case "iscsi":
		lun, ok := number(d.Connection.Data["target_lun"])
		if !ok || text("target_portal") == "" || text("target_iqn") == "" {
			return nil, fmt.Errorf("%w: the connection names no target", drivers.ErrInvalid)
		}
		s := map[string]any{"driver": "iscsi", "transport": "tcp", "portal": text("target_portal"), "target": text("target_iqn"), "lun": lun}
		if d.Initiator != "" {
			s["initiator-name"] = d.Initiator
		}
		return s, nil
	case "glusterfs":
		host, volume, ok := strings.Cut(text("export"), ":/")
		name := text("name")
		if !ok || host == "" || volume == "" || name == "" || strings.Contains(name, "/") {
			return nil, fmt.Errorf("%w: the connection names no file of a GlusterFS", drivers.ErrInvalid)
		}
		volume, folder, _ := strings.Cut(volume, "/")
		if folder != "" {
			name = folder + "/" + name
		}
		server := map[string]any{"type": "inet", "host": strings.Trim(host, "[]"), "port": "24007"}
		return map[string]any{"driver": "gluster", "volume": volume, "path": name, "server": []any{server}}, nil
	default:
		return nil, fmt.Errorf("%w: QEMU does not take in %q here", drivers.ErrInvalid, protocol)
	}
}

// number reads a LUN, which JSON made a float64.
func number(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, v >= 0
	case float64:
		return int(v), v >= 0 && v == float64(int(v))
	}
	return 0, false
}
