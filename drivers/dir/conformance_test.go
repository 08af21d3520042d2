package dir_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/drivertest"
)

func TestConformance(t *testing.T) {
	for _, provisioning := range []string{"thin", "thick"} {
		t.Run(provisioning, func(t *testing.T) {
			drivertest.Run(t, func(t *testing.T) drivers.Driver {
				cfg := config(t, t.TempDir())
				cfg.Provisioning = provisioning
				return newDriver(t, cfg)
			}, drivertest.Options{})
		})
	}
}

func TestConformanceOnFileSystems(t *testing.T) {
	for kind, size := range map[string]string{"ext4": "256M", "xfs": "400M"} {
		t.Run(kind, func(t *testing.T) {
			point := loopMount(t, kind, size)
			n := 0
			drivertest.Run(t, func(t *testing.T) drivers.Driver {
				n++
				path := filepath.Join(point, strconv.Itoa(n))
				t.Cleanup(func() { os.RemoveAll(path) }) // the file system is small
				return newDriver(t, config(t, path))
			}, drivertest.Options{Size: 4 << 20})
		})
	}
}
