package scheduler

import (
	"math"
	"strings"
)

// Pool is what the scheduler knows of one pool. Sizes are in GiB.
type Pool struct {
	// Name is host@backend#pool.
	Name string
	// AvailabilityZone of the storage node's service.
	AvailabilityZone string
	// Up says that the node was heard of lately, Disabled that an administrator took it out.
	Up, Disabled bool
	// StateReason is shown when the pool is refused for being down or disabled: the administrator's
	// reason, or when the node was last heard of.
	StateReason string
	// Capabilities as the driver reported them: strings, booleans, numbers, lists and nested maps.
	Capabilities map[string]any

	// Total and Free as reported, Free less what was placed since.
	Total, Free Capacity
	// Provisioned is the sum of the sizes promised in the pool by anybody, Allocated the sum of
	// those that we placed there. Both must count placements made since the last report.
	Provisioned, Allocated float64
	// ReservedPercentage, 0 to 100, of Total is never given out.
	ReservedPercentage int
	// MaxOverSubscriptionRatio, 1 or more, bounds the provisioned size of a thin pool. The caller
	// resolves "auto".
	MaxOverSubscriptionRatio float64
	// Thin and Thick say which kinds of provisioning the pool can do; they stand for the capabilities
	// thin_provisioning_support and thick_provisioning_support, whatever Capabilities says.
	Thin, Thick bool
	// Volumes is the number of volumes that we placed in the pool.
	Volumes int
	// FilterFunction and GoodnessFunction are expressions; empty means the capability
	// filter_function or goodness_function, if the driver reports it.
	FilterFunction, GoodnessFunction string
}

// Consume counts an accepted request into the pool, so that the next placement sees it before the
// driver reports again. A thin volume takes no free space at once; that comes with the next report.
func (p *Pool) Consume(req Request) {
	size := req.growth()
	p.Provisioned += size
	p.Allocated += size
	if free, ok := p.Free.Number(); ok && !p.thinFor(&req) {
		p.Free = GiB(free - size)
	}
	if req.OldSizeGiB == 0 {
		p.Volumes++
	}
}

// thinFor says whether the request would be provisioned thin here. A type that does not ask for
// thick gets thin wherever the driver can.
func (p *Pool) thinFor(req *Request) bool { return p.Thin && !req.wantsThick() }

// reserved is the part of total, in whole GiB, that is never given out.
func (p *Pool) reserved(total float64) float64 {
	return math.Floor(total * float64(p.ReservedPercentage) / 100)
}

// virtualFree is how much more a thin pool may promise.
func (p *Pool) virtualFree(total float64) float64 {
	return (total-p.reserved(total))*p.MaxOverSubscriptionRatio - p.Provisioned
}

// In says whether the pool is the place named: a pool (host@backend#pool), a backend (host@backend)
// or a host.
func (p *Pool) In(place string) bool {
	if p.Name == place {
		return true
	}
	rest, ok := strings.CutPrefix(p.Name, place)
	if !ok || place == "" {
		return false
	}
	if strings.Contains(place, "#") {
		return false
	}
	return rest[0] == '#' || rest[0] == '@' && !strings.Contains(place, "@")
}

// host is the storage node's name.
func (p *Pool) host() string {
	host, _, _ := strings.Cut(p.Name, "@")
	host, _, _ = strings.Cut(host, "#")
	return host
}

// attribute looks a capability up by Cinder's name. What the scheduler keeps up to date itself goes
// before what the driver reported up to a minute ago. A nil value counts as missing.
func (p *Pool) attribute(name string) (any, bool) {
	if v := p.own(name); v != nil {
		return v, true
	}
	if v := p.Capabilities[name]; v != nil {
		return v, true
	}
	// The next best, where the driver does not say.
	switch name {
	case "total_volumes":
		return p.Volumes, true
	case "pool_name":
		_, pool, ok := strings.Cut(p.Name, "#")
		return pool, ok
	}
	return nil, false
}

func (p *Pool) own(name string) any {
	switch name {
	case "host", "backend_id":
		return p.Name
	case "availability_zone":
		return p.AvailabilityZone
	case "total_capacity_gb":
		return p.Total.value()
	case "free_capacity_gb":
		return p.Free.value()
	case "allocated_capacity_gb":
		return p.Allocated
	case "provisioned_capacity_gb":
		return p.Provisioned
	case "reserved_percentage":
		return p.ReservedPercentage
	case "max_over_subscription_ratio":
		return p.MaxOverSubscriptionRatio
	case "thin_provisioning_support":
		return p.Thin
	case "thick_provisioning_support":
		return p.Thick
	}
	return nil
}

// lookup follows a path into the pool's attributes and the maps nested in them.
func (p *Pool) lookup(path []string) (any, bool) {
	if len(path) == 0 {
		return nil, false
	}
	v, ok := p.attribute(path[0])
	for _, key := range path[1:] {
		if !ok {
			return nil, false
		}
		v, ok = member(v, key)
	}
	return v, ok
}

func member(v any, key string) (any, bool) {
	switch m := v.(type) {
	case map[string]any:
		inner := m[key]
		return inner, inner != nil
	case map[string]string:
		inner, ok := m[key]
		return inner, ok
	}
	return nil, false
}
