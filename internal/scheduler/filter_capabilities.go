package scheduler

import (
	"fmt"
	"slices"
	"strings"
)

// specCheck is one extra spec made ready for many pools.
type specCheck struct {
	key  string
	path []string
	want spec
}

// capabilitiesFilter holds every extra spec that has no scope, or the scope "capabilities:", against
// what the pool reports. Other scopes speak to the driver and are left alone.
func capabilitiesFilter(req *Request) (check, error) {
	specs := specChecks(req.ExtraSpecs)
	extendsInUse := req.Attached && req.OldSizeGiB > 0
	if len(specs) == 0 && !extendsInUse {
		return nil, nil
	}
	return func(p *Pool) reason {
		if extendsInUse {
			// Only a plain no counts: drivers that do not report it can extend online.
			if v, ok := p.attribute("online_extend_support"); ok && !boolean(v) {
				return reason{"cannot extend a volume that is in use", "online_extend_support is " + text(v)}
			}
		}
		for _, s := range specs {
			if why := s.check(p); why != pass {
				return why
			}
		}
		return pass
	}, nil
}

// specChecks are sorted by key, so that a pool that breaks two always names the same one.
func specChecks(extraSpecs map[string]string) []specCheck {
	var specs []specCheck
	for key, value := range extraSpecs {
		path := strings.Split(key, ":")
		if len(path) > 1 {
			if path[0] != "capabilities" {
				continue
			}
			path = path[1:]
		}
		specs = append(specs, specCheck{key: key, path: path, want: parseSpec(value)})
	}
	slices.SortFunc(specs, func(a, b specCheck) int { return strings.Compare(a.key, b.key) })
	return specs
}

func (s specCheck) check(p *Pool) reason {
	have, ok := p.lookup(s.path)
	if ok && s.want.matches(have) {
		return pass
	}
	why := reason{text: fmt.Sprintf("extra spec %s=%q is not met", s.key, s.want.raw)}
	if !ok {
		why.detail = "capability is not reported"
		return why
	}
	why.detail = "has " + clip(text(have), maxDetail/2)
	if advice := s.want.advice(have); advice != "" {
		why.detail += ", " + advice
	}
	return why
}
