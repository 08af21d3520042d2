package connectors

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// Set is a host's connectors by protocol, as driver_volume_type says it: iscsi, local. Who assembles a worker fills it. It is a
// Connector itself, of all the protocols in it.
type Set map[string]Connector

var _ Connector = Set{}

// For returns the connector that takes info in; ErrNotSupported lists those that there are.
func (s Set) For(info ConnectionInfo) (Connector, error) {
	c, ok := s[info.DriverVolumeType]
	if !ok {
		return nil, &drivers.Error{
			Op: "connect", Driver: "connectors",
			Err: fmt.Errorf("%w: this host takes in no volumes over %q; it does over %s", drivers.ErrNotSupported, info.DriverVolumeType,
				strings.Join(slices.Sorted(maps.Keys(s)), ", ")),
		}
	}
	return c, nil
}

// Properties puts together what the connectors tell, in the order of their names.
func (s Set) Properties(ctx context.Context) (Properties, error) {
	var all Properties
	for _, name := range slices.Sorted(maps.Keys(s)) {
		p, err := s[name].Properties(ctx)
		if err != nil {
			return Properties{}, err
		}
		all.Connector = merge(all.Connector, p.Connector)
		all.Clients = append(all.Clients, p.Clients...)
	}
	return all, nil
}

// Connect has the connector of info's protocol do it.
func (s Set) Connect(ctx context.Context, info ConnectionInfo) (Device, error) {
	c, err := s.For(info)
	if err != nil {
		return Device{}, err
	}
	return c.Connect(ctx, info)
}

// Disconnect has the connector of info's protocol do it.
func (s Set) Disconnect(ctx context.Context, info ConnectionInfo, force bool) error {
	c, err := s.For(info)
	if err != nil {
		return err
	}
	return c.Disconnect(ctx, info, force)
}

// Extend has the connector of info's protocol do it.
func (s Set) Extend(ctx context.Context, info ConnectionInfo) (Bytes, error) {
	c, err := s.For(info)
	if err != nil {
		return 0, err
	}
	return c.Extend(ctx, info)
}
