package sharefs_test

import (
	"testing"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
	"github.com/clinker-storage/clinker/drivers/sharefs/sharetest"
	"github.com/clinker-storage/clinker/internal/execx"
)

func TestConformance(t *testing.T) {
	for name, options := range map[string]map[string]string{
		"raw":   nil,
		"thick": {"nas_volume_prov_type": "thick"},
		"qcow2": {"glusterfs_qcow2_volumes": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, func(t *testing.T) drivers.Driver {
				return newDriver(t, config(t, "one:/vol", options), &execx.Exec{})
			}, drivertest.Options{Open: sharetest.Open, Size: 4 << 20})
		})
	}
}

func TestConformanceWithoutSnapshots(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivers.Driver {
		return newDriver(t, config(t, "one:/vol\ntwo:/vol -o size=200m", map[string]string{"glusterfs_snapshot_support": "false"}), &execx.Exec{})
	}, drivertest.Options{Open: sharetest.Open})
}
