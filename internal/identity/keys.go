package identity

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"

	"github.com/clinker-storage/clinker/models"
)

// signingKeySize is that of HMAC-SHA256's block half, in bytes.
const signingKeySize = 32

// RotateKey makes a new key to sign tokens with, and forgets those that no valid token is signed with any more.
func (s *Service) RotateKey(ctx context.Context) error {
	keys, err := List[models.IdentityKey](ctx, s, nil)
	if err != nil {
		return err
	}
	secret := make([]byte, signingKeySize)
	_, _ = rand.Read(secret) // never fails
	if err := Create(ctx, s, &models.IdentityKey{ID: NewID()[:8], Secret: hex.EncodeToString(secret), CreatedAt: s.now()}); err != nil {
		return err
	}
	for i := range keys {
		// A key signed until its successor came.
		if i+1 < len(keys) && keys[i+1].CreatedAt.Add(s.opts.TokenTTL).Before(s.now()) {
			if err := Delete[models.IdentityKey](ctx, s, keys[i].ID); err != nil && !errors.Is(err, models.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// keys are those that verify, the one that signs last.
func (s *Service) keys(ctx context.Context) ([]models.IdentityKey, error) {
	keys, err := List[models.IdentityKey](ctx, s, nil)
	if err == nil && len(keys) == 0 {
		err = errors.New("there is no key to sign tokens with: run `clinkerd identity bootstrap`")
	}
	return keys, err
}
