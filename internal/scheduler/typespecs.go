package scheduler

import (
	"fmt"
	"strconv"
	"strings"
)

// Extra specs with a meaning of their own to the scheduler.
const (
	specProvisioning = "provisioning:type"
	specMinSize      = "provisioning:min_vol_size"
	specMaxSize      = "provisioning:max_vol_size"
	specZones        = "RESKEY:availability_zones"
)

// wantsThick says that the type asks for provisioning:type thick. Any other value is thin if the
// pool can, as in Cinder.
func (r *Request) wantsThick() bool {
	return strings.EqualFold(strings.TrimSpace(r.ExtraSpecs[specProvisioning]), "thick")
}

// typeZones are the availability zones that the type is restricted to; nil means any.
func (r *Request) typeZones() []string {
	var zones []string
	for zone := range strings.SplitSeq(r.ExtraSpecs[specZones], ",") {
		if zone = strings.TrimSpace(zone); zone != "" {
			zones = append(zones, zone)
		}
	}
	return zones
}

// TypeSizeLimits gives the sizes in GiB that a type allows, from provisioning:min_vol_size and
// provisioning:max_vol_size; 0 means no limit. It fails when a limit is no whole number of 0 or
// more, or when the least is above the greatest: such a type fits no volume.
func TypeSizeLimits(extraSpecs map[string]string) (least, greatest int64, err error) {
	if least, err = sizeSpec(extraSpecs, specMinSize); err != nil {
		return 0, 0, err
	}
	if greatest, err = sizeSpec(extraSpecs, specMaxSize); err != nil {
		return 0, 0, err
	}
	if greatest > 0 && least > greatest {
		return 0, 0, fmt.Errorf("extra spec %s (%d) is above %s (%d)", specMinSize, least, specMaxSize, greatest)
	}
	return least, greatest, nil
}

func sizeSpec(extraSpecs map[string]string, key string) (int64, error) {
	value, ok := extraSpecs[key]
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("extra spec %s must be a whole number of GiB, 0 or more: %q", key, value)
	}
	return n, nil
}
