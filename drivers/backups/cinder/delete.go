package cinder

import (
	"context"
	"errors"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// Delete removes a backup that Cinder wrote; an absent one is nil. The metadata goes first, so that nobody takes the rest for whole.
func Delete(ctx context.Context, s backups.Store, r Record, folders bool) error {
	prefix, err := r.key(r.ServiceMetadata, folders)
	if err != nil {
		return err
	}
	keys := []string{prefix + "_metadata", prefix + "_sha256file"}
	for o, err := range s.List(ctx, prefix) {
		if err != nil {
			return err
		}
		// Chunks only: the prefix may begin another backup's, and that is not asked for.
		if number, ok := strings.CutPrefix(o.Key, prefix+"-"); ok && number != "" && strings.Trim(number, "0123456789") == "" {
			keys = append(keys, o.Key)
		}
	}
	for _, key := range keys {
		if err := s.Delete(ctx, key); err != nil && !errors.Is(err, drivers.ErrNotFound) {
			return err
		}
	}
	return nil
}
