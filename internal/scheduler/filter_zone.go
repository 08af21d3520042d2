package scheduler

import (
	"slices"
	"strings"
)

// zoneFilter wants the pool in one of the zones of the request, and in one of those that the type
// is restricted to by RESKEY:availability_zones.
func zoneFilter(req *Request) (check, error) {
	asked, allowed := req.AvailabilityZones, req.typeZones()
	if len(asked) == 0 && len(allowed) == 0 {
		return nil, nil
	}
	return func(p *Pool) reason {
		switch {
		case len(asked) > 0 && !slices.Contains(asked, p.AvailabilityZone):
			return reason{"not in availability zone " + strings.Join(asked, " or "), inZone(p)}
		case len(allowed) > 0 && !slices.Contains(allowed, p.AvailabilityZone):
			return reason{"the volume type is only for availability zone " + strings.Join(allowed, " or "), inZone(p)}
		}
		return pass
	}, nil
}

func inZone(p *Pool) string {
	if p.AvailabilityZone == "" {
		return "in no zone"
	}
	return "in zone " + p.AvailabilityZone
}
