package scheduler

import (
	"errors"
	"fmt"
)

// ErrInvalidRequest is wrapped by every error of [Scheduler.Place]: the request cannot be placed
// whatever the pools are, so trying again is of no use.
var ErrInvalidRequest = errors.New("invalid placement request")

// Request is one volume looking for a place.
type Request struct {
	// SizeGiB is the size wanted; 0 when an existing volume is taken over, which needs no space.
	SizeGiB int64
	// OldSizeGiB is the present size of a volume that is extended, else 0.
	OldSizeGiB int64
	// AvailabilityZones that will do; none means any.
	AvailabilityZones []string
	// ExtraSpecs of the volume type, scopes included.
	ExtraSpecs map[string]string
	// QoS specs of the volume type, seen by expressions as qos.NAME.
	QoS map[string]string
	// Volume holds further properties of the volume, seen by expressions as volume.NAME;
	// volume.size is always there.
	Volume map[string]any
	// Hints of the scheduler_hints part of the request.
	Hints Hints
	// Attempted are the pools or backends where this request failed already.
	Attempted []string
	// Backend, if set, is the only backend or pool to look at: extend, clone, create from snapshot.
	Backend string
	// ExistsOn is the pool of a volume that is retyped: it holds the bytes already and needs no space.
	ExistsOn string
	// Attached says that a volume to extend is in use.
	Attached bool
	// Seed of the draws of ChanceWeigher and StochasticHostWeightHandler.
	Seed int64
	// MaxCandidates bounds Decision.Candidates; 0 means no bound.
	MaxCandidates int
}

// Hints are the scheduler hints, with everything resolved that only a database or Nova knows.
type Hints struct {
	SameHost, DifferentHost VolumeHint
	// LocalToInstance is a server's id, InstanceHost the name of the host that it runs on, empty
	// when that is not known.
	LocalToInstance, InstanceHost string
	// Query is JSON for JsonFilter.
	Query string
}

// VolumeHint names volumes to be near to or far from.
type VolumeHint struct {
	// Volumes are the ids as the user gave them; the hint is given when there is one.
	Volumes []string
	// Places are the pools (or backends) of those of them that exist.
	Places []string
}

func (r *Request) validate() error {
	switch {
	case r.SizeGiB < 0 || r.OldSizeGiB < 0:
		return fmt.Errorf("%w: size must not be negative: %d GiB", ErrInvalidRequest, min(r.SizeGiB, r.OldSizeGiB))
	case r.OldSizeGiB > 0 && r.SizeGiB < r.OldSizeGiB:
		return fmt.Errorf("%w: new size %d GiB is below the present %d GiB", ErrInvalidRequest, r.SizeGiB, r.OldSizeGiB)
	case r.MaxCandidates < 0:
		return fmt.Errorf("%w: number of candidates must be 0 (all) or more: %d", ErrInvalidRequest, r.MaxCandidates)
	}
	return nil
}

// growth is the space, in GiB, that must be found.
func (r *Request) growth() float64 { return float64(r.SizeGiB - r.OldSizeGiB) }

// variable resolves the names of an expression that come with the request: volume., extra. and qos.
func (r *Request) variable(scope string, path []string) (any, bool) {
	switch scope {
	case "extra":
		return member(r.ExtraSpecs, path[0])
	case "qos":
		return member(r.QoS, path[0])
	}
	v, ok := member(r.Volume, path[0])
	if !ok && path[0] == "size" {
		v, ok = r.SizeGiB, true
	}
	for _, key := range path[1:] {
		if !ok {
			break
		}
		v, ok = member(v, key)
	}
	return v, ok
}
