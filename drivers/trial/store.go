package trial

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// StoreOptions are how a backup store is tried.
type StoreOptions struct {
	Bytes int // that are written and read, in objects of 8 MiB; 0 is 64 MiB
	// Done is told each step as it ends; nil tells nobody.
	Done func(Step)
}

const storeObject = 8 << 20

// RunStore tries a backup store out: whether it can be reached, with which rights, and at which rate. What was stored is taken away again.
func RunStore(ctx context.Context, s backups.Store, o StoreOptions) Report {
	if o.Bytes == 0 {
		o.Bytes = 64 << 20
	}
	p := s.Properties()
	t := &storeTrial{s: s, trial: trial{ctx: ctx, o: Options{Done: o.Done}, report: Report{Driver: p.Kind}}, prefix: "check-" + rand.Text() + "/"}
	for n := range (o.Bytes + storeObject - 1) / storeObject {
		t.keys = append(t.keys, fmt.Sprintf("%s%04d", t.prefix, n))
	}
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"reach it, with all rights", func() error { return cmp.Or[error](s.Check(ctx), detail(p.Location)) }},
		{"write", t.write},
		{"list", t.list},
		{"read and compare", t.read},
	} {
		if !t.step(step.name, step.run) {
			break
		}
	}
	if t.wrote {
		t.step("delete everything", t.remove)
	}
	return t.report
}

type storeTrial struct {
	trial
	s      backups.Store
	prefix string
	keys   []string
	sent   []byte
	wrote  bool
}

// content is what object n holds; random, so that no store makes it smaller.
func (t *storeTrial) content(n int) []byte {
	if t.sent == nil {
		t.sent = make([]byte, storeObject)
		rand.Read(t.sent) // never fails
	}
	copy(t.sent, t.keys[n])
	return t.sent
}

// rated has do run for each object, and tells the rate.
func (t *storeTrial) rated(do func(n int) error) error {
	begun := time.Now()
	for n := range t.keys {
		if err := do(n); err != nil {
			return err
		}
	}
	mib := float64(len(t.keys)*storeObject) / (1 << 20)
	return detail(fmt.Sprintf("%.0f MiB, one object of %d MiB after the other: %.0f MiB/s", mib, storeObject>>20, mib/time.Since(begun).Seconds()))
}

func (t *storeTrial) write() error {
	t.wrote = true
	return t.rated(func(n int) error { return t.s.Put(t.ctx, t.keys[n], t.content(n)) })
}

func (t *storeTrial) list() error {
	found := 0
	for o, err := range t.s.List(t.ctx, t.prefix) {
		if err != nil {
			return err
		}
		if found >= len(t.keys) || o.Key != t.keys[found] || o.Size != storeObject {
			return fmt.Errorf("%w: the list has %s with %d bytes, where it should not", drivers.ErrUnavailable, o.Key, o.Size)
		}
		found++
	}
	if found < len(t.keys) {
		return fmt.Errorf("%w: the list has %d of %d objects", drivers.ErrUnavailable, found, len(t.keys))
	}
	return nil
}

func (t *storeTrial) read() error {
	return t.rated(func(n int) error {
		got, err := backups.ReadAll(t.ctx, t.s, t.keys[n], storeObject)
		if err == nil && !bytes.Equal(got, t.content(n)) {
			err = fmt.Errorf("%w: the object %s came back with another content", drivers.ErrUnavailable, t.keys[n])
		}
		return err
	})
}

// remove has a context of its own: an interrupted trial leaves nothing either.
func (t *storeTrial) remove() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), 10*time.Minute)
	defer cancel()
	var errs []error
	for _, key := range t.keys {
		errs = append(errs, t.s.Delete(ctx, key))
	}
	for o, err := range t.s.List(ctx, t.prefix) {
		if err == nil {
			err = fmt.Errorf("%w: %s is still there", drivers.ErrUnavailable, o.Key)
		}
		errs = append(errs, err)
		break
	}
	return errors.Join(errs...)
}
