package backups

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// Delete removes a backup, whole or begun: the manifest first, so that nobody sees half of one. A backup that others stand
// on is ErrDependants; an absent one is nil. The store is asked for dependants, whatever the catalogue knows.
func Delete(ctx context.Context, s Store, id string) error {
	if err := CheckKey(id); err != nil || strings.Contains(id, "/") {
		return fmt.Errorf("%w: backup id %q", drivers.ErrInvalid, id)
	}
	for m, err := range List(ctx, s) {
		if err != nil && m == nil {
			return err
		}
		// One whose manifest can't be read may stand on this one, but then it can't be restored either way.
		if m.BackupID != id && slices.Contains(m.Chain, id) {
			return fmt.Errorf("%w: backup %s", ErrDependants, m.BackupID)
		}
	}
	if err := s.Delete(ctx, manifestKey(id)); err != nil {
		return err
	}
	// Twice: an attempt that was thought dead may have put a last pack meanwhile.
	for range 2 {
		if err := deletePrefix(ctx, s, id+"/"); err != nil {
			return err
		}
	}
	return nil
}

func deletePrefix(ctx context.Context, s Store, prefix string) error {
	var keys []string
	for o, err := range s.List(ctx, prefix) {
		if err != nil {
			return err
		}
		keys = append(keys, o.Key)
	}
	for _, key := range keys {
		if err := s.Delete(ctx, key); err != nil && !errors.Is(err, drivers.ErrNotFound) {
			return err
		}
	}
	return nil
}
