package backups

import "github.com/clinker-storage/clinker/drivers/devices"

// Device is a file or block device as a Source and a Target.
type Device = devices.Device

// OpenSource opens what is to be backed up; see devices.OpenSource.
func OpenSource(path string, size int64) (*Device, error) { return devices.OpenSource(path, size) }

// OpenTarget opens what is restored into; see devices.OpenTarget.
func OpenTarget(path string, size int64, zeroed bool) (*Device, error) {
	return devices.OpenTarget(path, size, zeroed)
}

func buffer(n int) []byte { return devices.Buffer(n) }
