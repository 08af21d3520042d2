package scheduler

import "fmt"

// capacityFilter refuses pools that have not the space. Rules, in order: a request of 0 GiB passes,
// so does the pool that holds the volume already; free capacity must be reported; "infinite" or
// "unknown" free space passes, since only trying will tell; a total that is neither can have no part
// reserved; then thin or thick.
func capacityFilter(req *Request) (check, error) {
	size := req.growth()
	if size == 0 {
		return nil, nil
	}
	return func(p *Pool) reason {
		if req.ExistsOn != "" && p.In(req.ExistsOn) {
			return pass
		}
		total, ok := p.Total.Number()
		switch {
		case p.Free.IsMissing():
			return reason{text: "free capacity is not reported"}
		case p.Free.Unbounded():
			return pass
		case p.Total.Unbounded() && p.ReservedPercentage == 0:
			return pass
		case p.Total.Unbounded():
			return reason{
				"a reserve of a total that is no number cannot be kept",
				fmt.Sprintf("total %s, %d%% reserved", p.Total, p.ReservedPercentage),
			}
		case !ok:
			return reason{text: "total capacity is not reported"}
		case total <= 0:
			return reason{"total capacity is zero", gib(total)}
		case p.thinFor(req):
			return thinRoom(p, total, size)
		}
		return thickRoom(p, total, size)
	}, nil
}

// thinRoom holds (provisioned + size) / (total - reserved) to the ratio. Cinder divides by the
// capacity already multiplied by the ratio, so that its ratio test hardly ever speaks, and then asks
// for virtual free space as well; with the meant divisor the two are one rule.
func thinRoom(p *Pool, total, size float64) reason {
	if !(p.MaxOverSubscriptionRatio >= 1) { // also catches NaN
		return reason{"max_over_subscription_ratio of a thin pool must be 1 or more", text(p.MaxOverSubscriptionRatio)}
	}
	if left := p.virtualFree(total); !(left >= size) {
		return reason{
			"not enough thin capacity for " + gib(size),
			fmt.Sprintf("%s left: (total %s - reserved %s) x %s - provisioned %s", gib(left), gib(total),
				gib(p.reserved(total)), text(p.MaxOverSubscriptionRatio), gib(p.Provisioned)),
		}
	}
	return pass
}

// thickRoom takes the lesser of what the backend says is free and what our own books leave, since
// either can run ahead of the other.
func thickRoom(p *Pool, total, size float64) reason {
	free, _ := p.Free.Number()
	unpromised := total - p.reserved(total) - p.Provisioned
	if left := min(free, unpromised); !(left >= size) {
		return reason{
			"not enough free space for " + gib(size),
			fmt.Sprintf("%s left: free %s, total %s - reserved %s - provisioned %s", gib(left), gib(free),
				gib(total), gib(p.reserved(total)), gib(p.Provisioned)),
		}
	}
	return pass
}
