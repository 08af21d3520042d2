package libvirt

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"time"

	rpc "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/hypervisors"
)

// The two that a domain may be: what runs, and what is stored for its next start.
const (
	running = rpc.DomainAffectLive
	stored  = rpc.DomainAffectConfig
)

// domain is an instance, and a volume of it.
type domain struct {
	*rpc.Libvirt
	rpc.Domain
	volume             string
	active, persistent bool
}

func (g *domain) open(instance string) (err error) {
	if g.Domain, err = g.DomainLookupByName(instance); err != nil {
		return err
	}
	active, err := g.DomainIsActive(g.Domain)
	if err != nil {
		return err
	}
	persistent, err := g.DomainIsPersistent(g.Domain)
	g.active, g.persistent = active == 1, persistent == 1
	return err
}

// here is where a disk is used: in what runs, if that does.
func (g *domain) here() rpc.DomainModificationImpact {
	if g.active {
		return running
	}
	return stored
}

// both are those that there are, the stored one first: a domain that is started in between has no more than it should.
func (g *domain) both() (all []rpc.DomainModificationImpact) {
	if g.persistent {
		all = append(all, stored)
	}
	if g.active {
		all = append(all, running)
	}
	return all
}

// disks reads a domain's description, which has no secrets.
func (g *domain) disks(of rpc.DomainModificationImpact) ([]disk, error) {
	var flags rpc.DomainXMLFlags
	if of == stored {
		flags = rpc.DomainXMLInactive
	}
	text, err := g.DomainGetXMLDesc(g.Domain, flags)
	if err != nil {
		return nil, err
	}
	return readDisks(text)
}

func readDisks(text string) ([]disk, error) {
	var d struct {
		Disks []disk `xml:"devices>disk"`
	}
	if err := xml.Unmarshal([]byte(text), &d); err != nil {
		return nil, fmt.Errorf("%w: libvirt's description of the domain can't be read: %w", drivers.ErrUnavailable, err)
	}
	return d.Disks, nil
}

// find returns the volume's disk, nil when there is none.
func (g *domain) find(in rpc.DomainModificationImpact) (*disk, error) {
	disks, err := g.disks(in)
	for _, d := range disks {
		if d.Alias.Name == aliasPrefix+g.volume {
			return &d, err
		}
	}
	return nil, err
}

// plug adds the disk where it is not yet, under a name that neither the running nor the stored domain has.
func (g *domain) plug(d hypervisors.Disk, text *disk) error {
	if err := g.keepSecret(d); err != nil {
		return err
	}
	taken := map[string]bool{}
	var missing []rpc.DomainModificationImpact
	for _, where := range g.both() {
		disks, err := g.disks(where)
		if err != nil {
			return err
		}
		had := false
		for _, o := range disks {
			taken[o.Target.Dev] = true
			had = had || o.Alias.Name == text.Alias.Name
		}
		if !had {
			missing = append(missing, where)
		}
	}
	text.Target.Dev = freeName(taken)
	words, err := xml.Marshal(text)
	if err != nil {
		return err
	}
	for _, where := range missing {
		err := g.DomainAttachDeviceFlags(g.Domain, string(words), uint32(where))
		var f rpc.Error
		if errors.As(err, &f) { // a call that was cut off may have gone on in libvirt, and have been first
			if at, look := g.find(where); look == nil && at != nil {
				continue
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepSecret gives libvirt the password that QEMU logs in with.
func (g *domain) keepSecret(d hypervisors.Disk) error {
	password, _ := d.Connection.Data["auth_password"].(string)
	if d.Path != "" || password == "" {
		return nil
	}
	secret, err := g.SecretDefineXML(fmt.Sprintf(
		`<secret ephemeral='no' private='yes'><uuid>%[1]s</uuid><usage type='iscsi'><target>clinker-%[1]s</target></usage></secret>`, g.volume), 0)
	if err != nil {
		return err
	}
	return g.SecretSetValue(secret, []byte(password), 0)
}

func (g *domain) dropSecret() error {
	secret, err := g.SecretLookupByUUID(rpc.UUID(uuid.MustParse(g.volume)))
	if err == nil {
		err = g.SecretUndefine(secret)
	}
	var f rpc.Error
	if errors.As(err, &f) && f.Code == uint32(rpc.ErrNoSecret) {
		return nil
	}
	return err
}

// drop takes back a plug that failed: what the guest has had for a moment it lets go at once.
func (g *domain) drop() error { return g.unplug(context.Background(), askEvery) }

// unplug returns when the machine has no such disk any more. The guest's own system has a say in it, and may take its time.
func (g *domain) unplug(ctx context.Context, limit time.Duration) error {
	deadline, asked := time.Now().Add(limit), time.Time{}
	for _, where := range g.both() {
		for {
			d, err := g.find(where)
			if err != nil {
				return err
			}
			if d == nil {
				break
			}
			if time.Now().After(deadline) {
				return &drivers.Error{
					Err:  fmt.Errorf("%w: the guest does not let the disk go", drivers.ErrBusy),
					Hint: "unmount it in the guest, or see whether its system is up; then `clinker flow retry <flow>`",
				}
			}
			if where == stored || time.Since(asked) > askEvery {
				words, err := d.whole()
				if err != nil {
					return err
				}
				var f rpc.Error
				// It may have been asked before, which is no answer yet.
				if err := g.DomainDetachDeviceFlags(g.Domain, words, uint32(where)); err != nil && (where == stored || !errors.As(err, &f)) {
					return err
				}
				asked = time.Now()
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return g.dropSecret()
}
