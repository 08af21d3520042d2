package qmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
)

const (
	devicePrefix = "clinker-"
	peripherals  = "/machine/peripheral" // where QEMU has the devices that have an id
)

// guest is an open monitor and the names of one volume in it.
type guest struct {
	*client
	device, node, file, secret string
	volume                     string
}

func newGuest(c *client, volumeID string) *guest {
	id := strings.ReplaceAll(volumeID, "-", "")
	short := id[:min(len(id), 29)] // a node's name has 31 characters at most
	return &guest{client: c, volume: volumeID, device: devicePrefix + volumeID, node: "ck" + short, file: "cf" + short, secret: "cs" + short}
}

func (g *guest) devices() (names []string, err error) {
	var found []struct {
		Name string `json:"name"`
	}
	err = g.do("qom-list", map[string]any{"path": peripherals}, &found)
	for _, f := range found {
		names = append(names, f.Name)
	}
	return names, err
}

func (g *guest) plugged() (bool, error) {
	names, err := g.devices()
	return slices.Contains(names, g.device), err
}

func (g *guest) plug(d hypervisors.Disk, protocol map[string]any) error {
	if password, _ := d.Connection.Data["auth_password"].(string); password != "" && d.Path == "" {
		if err := g.do("object-add", map[string]any{"qom-type": "secret", "id": g.secret, "data": password}, nil); err != nil {
			return err
		}
		protocol["user"], protocol["password-secret"] = d.Connection.Data["auth_username"], g.secret
	}
	protocol["node-name"], protocol["read-only"], protocol["discard"] = g.file, d.Readonly, "unmap"
	if err := g.do("blockdev-add", protocol, nil); err != nil {
		return err
	}
	format := map[string]any{"driver": d.Format, "node-name": g.node, "file": g.file, "read-only": d.Readonly, "discard": "unmap"}
	if err := g.do("blockdev-add", format, nil); err != nil {
		return err
	}
	device := map[string]any{"driver": "virtio-blk-pci", "id": g.device, "drive": g.node, "serial": d.VolumeID}
	return g.do("device_add", device, nil)
}

// unplug returns when the machine has no such device any more. The guest's own system has a say in it, and may take its time.
func (g *guest) unplug(ctx context.Context, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for asked := false; ; {
		had, err := g.plugged()
		if err != nil || !had {
			return err
		}
		if time.Now().After(deadline) {
			return &drivers.Error{
				Err:  fmt.Errorf("%w: the guest does not let the disk go", drivers.ErrBusy),
				Hint: "unmount it in the guest, or see whether its system is up; then `clinker flow retry <flow>`",
			}
		}
		if !asked {
			var f *failure
			// It may have been asked before, which is no answer yet.
			if err := g.do("device_del", map[string]any{"id": g.device}, nil); err != nil && !errors.As(err, &f) {
				return err
			}
			asked = true
		}
		// DEVICE_DELETED comes at once when it comes; what a lost one would have told is asked for at the next turn.
		if err := g.event(500 * time.Millisecond); err != nil {
			var late net.Error
			if ctx.Err() != nil || !errors.As(err, &late) || !late.Timeout() {
				return err
			}
			if err := g.again(ctx); err != nil {
				return err
			}
			asked = false
		}
	}
}

// again takes a new connection in place of one that waited for an event in vain.
func (g *guest) again(ctx context.Context) error {
	socket := g.conn.RemoteAddr().String()
	g.close()
	c, err := connect(ctx, socket)
	if err == nil {
		*g.client = *c
	}
	return err
}

// drop takes away the block nodes and the secret; absent ones are nil. A node is free a moment after its device.
func (g *guest) drop() error {
	var nodes []struct {
		Name string `json:"node-name"`
	}
	for tries := 0; ; tries++ {
		if err := g.do("query-named-block-nodes", map[string]any{"flat": true}, &nodes); err != nil {
			return err
		}
		var busy error
		for _, name := range []string{g.node, g.file} {
			for _, n := range nodes {
				if n.Name != name || busy != nil {
					continue
				}
				var f *failure
				if err := g.do("blockdev-del", map[string]any{"node-name": name}, nil); errors.As(err, &f) {
					busy = err
				} else if err != nil {
					return err
				}
			}
		}
		if busy == nil {
			break
		}
		if tries > 50 {
			return busy
		}
		time.Sleep(100 * time.Millisecond)
	}
	objects, err := g.objects()
	if err == nil && slices.Contains(objects, g.secret) {
		err = g.do("object-del", map[string]any{"id": g.secret}, nil)
	}
	return err
}

func (g *guest) objects() (names []string, err error) {
	var found []struct {
		Name string `json:"name"`
	}
	err = g.do("qom-list", map[string]any{"path": "/objects"}, &found)
	for _, f := range found {
		names = append(names, f.Name)
	}
	return names, err
}
