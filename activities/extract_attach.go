package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/models"
)

// maxConnector bounds what a host may tell of itself: it is part of a row and of payloads.
const maxConnector = 16 << 10

// ExtractAttachRequest looks up the volume of an attachment and reads the connector. Whether the rows allow it is decided by
// EntryCreate, with them locked.
func (r *Requests) ExtractAttachRequest(ctx context.Context, in flow.AttachInput) (flow.AttachSpec, error) {
	var spec flow.AttachSpec
	v, err := r.volume(ctx, in.Header, in.VolumeID)
	switch {
	case err != nil:
		return spec, err
	case v.Host == "":
		return spec, refuse(flow.ErrInvalidStatus, "volume %s has no host, so there is nothing to attach", v.ID)
	case len(in.Connector) > maxConnector:
		return spec, refuse(flow.ErrInvalid, "Invalid input received: the connector has %d bytes; it may have %d.", len(in.Connector), maxConnector)
	}
	if err := json.Unmarshal(in.Connector, &spec.Connector); err != nil {
		where := ""
		if odd := new(json.UnmarshalTypeError); errors.As(err, &odd) && odd.Field != "" {
			where = ", look at " + odd.Field
		}
		return spec, refuse(flow.ErrInvalid, "Invalid input received: the connector is not what os-brick describes a host by%s.", where)
	}
	if flow.NodeOf(in.Connector).Node != "" {
		return spec, refuse(flow.ErrInvalid, "Invalid input received: the connector has the key clinker, which is not for clients.")
	}
	if err := r.speaks(ctx, v, spec.Connector, in.Clients); err != nil {
		return spec, err
	}
	spec.Attachment = models.Attachment{
		ID: in.ResourceID, VolumeID: v.ID, ProjectID: v.ProjectID, UserID: in.UserID, Instance: in.Instance, AttachedHost: spec.Connector.Host,
		Mountpoint: in.Mountpoint, Mode: in.Mode, Legacy: in.Legacy, Connector: in.Connector,
	}
	if spec.Attachment.Mode == "" {
		spec.Attachment.Mode = spec.Connector.Mode
	}
	if spec.Attachment.Mountpoint == "" {
		spec.Attachment.Mountpoint = spec.Connector.Mountpoint
	}
	spec.Volume, spec.Host, spec.Readonly, spec.Encrypted = r.Names.StorageVolume(v), v.Host, v.Readonly, v.Encrypted
	return spec, nil
}

// speaks refuses a host that lacks what the volume's backend needs of it, before anything is reserved.
func (r *Requests) speaks(ctx context.Context, v models.Volume, c models.Connector, clients []flow.HostClient) error {
	pools, err := r.Store.ListPools(ctx)
	if err != nil {
		return catalogueError(err)
	}
	for _, p := range pools {
		if p.Name != v.Host {
			continue
		}
		for _, client := range clients {
			if !client.Ready && strings.EqualFold(client.Protocol, p.Stats.StorageProtocol) {
				// What to do about it goes with the message: a request that is refused has no record for a hint.
				return wire.Error(&flow.Error{
					Type: flow.ErrInvalid, Hint: client.Hint,
					Message: fmt.Sprintf("host %s can't take in volume %s over %s: %s; %s", c.Host, v.ID, p.Stats.StorageProtocol, client.Reason, client.Hint),
				})
			}
		}
		if p.Stats.StorageProtocol == "iSCSI" && c.Initiator == "" {
			return refuse(flow.ErrInvalid, "Invalid input received: Connector doesn't have required information: initiator (volume %s is reached by iSCSI; install open-iscsi on host %s)", v.ID, c.Host)
		}
	}
	return nil
}

// AttachCast names the node that makes the connection, and the volume as it is now.
func (r *Requests) AttachCast(ctx context.Context, in flow.AttachCastInput) (flow.AttachCastResult, error) {
	v, err := r.Store.GetVolume(ctx, "", in.VolumeID)
	if err != nil {
		return flow.AttachCastResult{}, catalogueError(err)
	}
	backend, _ := flow.SplitHost(v.Host)
	return flow.AttachCastResult{Backend: backend, Volume: r.Names.StorageVolume(v)}, nil
}
