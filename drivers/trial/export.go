package trial

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/models"
)

func (t *trial) export() error {
	if t.o.Target == nil {
		return skip("volumes of this backend are not exported: hosts mount it")
	}
	if err := t.o.Target.Check(t.ctx); err != nil {
		return err
	}
	src, err := t.d.Source(t.ctx, t.vol)
	if err != nil {
		return err
	}
	e := models.Export{VolumeID: t.vol.ID, Name: t.vol.Name, Path: src.Path, Size: t.vol.Size}
	t.exported = &e
	at, err := t.o.Target.Ensure(t.ctx, e)
	if err != nil {
		return err
	}
	if at.IQN == "" {
		return detail(at.Path)
	}
	return detail(at.IQN + " at " + strings.Join(at.Portals, ", "))
}

func (t *trial) login() error {
	switch {
	case t.exported == nil:
		return skip("there is no export")
	case t.o.Login == nil || t.o.Connector.Initiator == "":
		return skip("this machine has no iSCSI initiator: install open-iscsi to have it tried")
	}
	info, err := t.o.Target.Allow(t.ctx, *t.exported, t.o.Connector)
	if err != nil {
		return err
	}
	device, logout, err := t.o.Login(t.ctx, info)
	if err != nil {
		return err
	}
	err = t.readDevice(device)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), time.Minute)
	defer cancel()
	if e := logout(ctx); err == nil {
		err = e
	}
	if e := t.o.Target.Deny(ctx, *t.exported, t.o.Connector); err == nil {
		err = e
	}
	if err == nil {
		return detail(device)
	}
	return err
}

// readDevice compares what came over the network with what was written before.
func (t *trial) readDevice(device string) error {
	f, err := os.Open(device)
	if err != nil {
		return drivers.FileError("open", t.can.Driver, t.vol.Name, device, err)
	}
	defer f.Close()
	round := byte(1)
	if t.snap != nil && !t.can.Revert {
		round = 2
	}
	if err := compare(f, round, t.o.Size); err != nil {
		return fmt.Errorf("over iSCSI: %w", err)
	}
	return nil
}
