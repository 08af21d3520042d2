package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

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
	kept, err := s.seal(hex.EncodeToString(secret))
	if err != nil {
		return err
	}
	if err := Create(ctx, s, &models.IdentityKey{ID: NewID()[:8], Secret: kept, CreatedAt: s.now()}); err != nil {
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

// keys are those that verify, the one that signs last. One that can't be opened verifies nothing any more.
func (s *Service) keys(ctx context.Context) ([]models.IdentityKey, error) {
	rows, err := List[models.IdentityKey](ctx, s, nil)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("there is no key to sign tokens with: run `clinkerd identity bootstrap`")
	}
	var keys []models.IdentityKey
	for i, k := range rows {
		if k.Secret, err = s.unseal(k.Secret); err == nil {
			keys = append(keys, k)
		} else if i == len(rows)-1 {
			return nil, fmt.Errorf("the key that signs tokens is sealed: bring its file back ([identity] key_file), or make a new one with `clinkerd identity rotate-key`: %w", err)
		}
	}
	return keys, nil
}

// Vault seals the keys that sign tokens, so that whoever reads the catalogue, or a copy of it, can't make tokens.
type Vault interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// sealedPrefix begins a secret that is sealed; others are from before, or of an installation without a vault.
const sealedPrefix = "sealed:"

func (s *Service) seal(secret string) (string, error) {
	if s.opts.Vault == nil {
		return secret, nil
	}
	sealed, err := s.opts.Vault.Seal([]byte(secret))
	return sealedPrefix + base64.StdEncoding.EncodeToString(sealed), err
}

func (s *Service) unseal(kept string) (string, error) {
	text, sealed := strings.CutPrefix(kept, sealedPrefix)
	if !sealed {
		return kept, nil
	}
	if s.opts.Vault == nil {
		return "", errors.New("there is no key_file")
	}
	if plain, ok := s.opened.Load(kept); ok {
		return plain.(string), nil
	}
	box, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", err
	}
	plain, err := s.opts.Vault.Open(box)
	if err == nil {
		s.opened.Store(kept, string(plain)) // a row for each rotation of this process's life
	}
	return string(plain), err
}

// SealKeys seals keys that lie in clear yet, and makes sure that the one that signs can be opened.
func (s *Service) SealKeys(ctx context.Context) error {
	rows, err := List[models.IdentityKey](ctx, s, nil)
	if err != nil || len(rows) == 0 || s.opts.Vault == nil {
		return err
	}
	for _, k := range rows {
		if strings.HasPrefix(k.Secret, sealedPrefix) {
			continue
		}
		kept, err := s.seal(k.Secret)
		if err != nil {
			return err
		}
		row := models.IdentityKey{}
		if err := s.store.EditIdentity(ctx, &row, k.ID, func() error { row.Secret = kept; return nil }); err != nil {
			return err
		}
	}
	_, err = s.keys(ctx)
	return err
}
