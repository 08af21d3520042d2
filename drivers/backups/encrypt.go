package backups

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/clinker-storage/clinker/drivers"
)

// Key is what an operator keeps: 256 bits that wrap the data keys of backups (AES-256-GCM).
type Key struct {
	ID   string // which key it is, without telling it
	wrap cipher.AEAD
}

const keySize = 32

// NewKey makes a Key of 32 bytes.
func NewKey(secret []byte) (*Key, error) {
	if len(secret) != keySize {
		return nil, fmt.Errorf("%w: a backup key has %d bytes, this one %d", drivers.ErrInvalid, keySize, len(secret))
	}
	aead, err := newAEAD(secret)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(append([]byte("clinker-backup-key\x00"), secret...))
	return &Key{ID: hex.EncodeToString(id[:8]), wrap: aead}, nil
}

// ReadKey reads a Key from a file: 32 bytes as they are, in hexadecimal or in base64 (openssl rand -hex 32). A file that
// others may read is refused.
func ReadKey(path string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: backup key file: %w", drivers.ErrInvalid, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: backup key file %s has mode %04o; allowed is 0600 or less", drivers.ErrInvalid, path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: backup key file: %w", drivers.ErrInvalid, err)
	}
	if len(b) == keySize {
		return NewKey(b)
	}
	text := string(bytes.TrimSpace(b))
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString} {
		if secret, err := decode(text); err == nil && len(secret) == keySize {
			return NewKey(secret)
		}
	}
	return nil, fmt.Errorf("%w: backup key file %s holds no key: allowed are 32 bytes, raw, in hexadecimal or in base64", drivers.ErrInvalid, path)
}

// Encryption is the part of a manifest that says how a backup is encrypted.
type Encryption struct {
	Algorithm string `json:"algorithm"` // AES-256-GCM
	KeyID     string `json:"key_id"`    // of the operator's key
	// WrappedKey is the data key, sealed with the operator's; a chain has one.
	WrappedKey []byte `json:"wrapped_key"`
}

const algorithm = "AES-256-GCM"

// dataKey encrypts the blobs of a chain.
type dataKey struct {
	aead   cipher.AEAD
	secret []byte
}

func newDataKey() (*dataKey, error) {
	secret := make([]byte, keySize)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	aead, err := newAEAD(secret)
	return &dataKey{aead: aead, secret: secret}, err
}

// seal wraps the data key for a manifest; the backup's id goes into the seal, so that it fits no other manifest.
func (k *Key) seal(d *dataKey, backupID string) (*Encryption, error) {
	nonce := make([]byte, k.wrap.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return &Encryption{Algorithm: algorithm, KeyID: k.ID, WrappedKey: k.wrap.Seal(nonce, nonce, d.secret, []byte(backupID))}, nil
}

// Opens tells whether a key is the one that the backup needs, nil where it needs none: ErrKey, with the id of the one it needs.
func (m *Manifest) Opens(k *Key) error {
	_, err := m.Encryption.open(k, m.BackupID)
	return err
}

// open unwraps the data key of a manifest; nil for a backup that is not encrypted.
func (e *Encryption) open(k *Key, backupID string) (*dataKey, error) {
	switch {
	case e == nil:
		return nil, nil
	case e.Algorithm != algorithm:
		return nil, fmt.Errorf("%w: it is encrypted with %q", ErrVersion, e.Algorithm)
	case k == nil:
		return nil, fmt.Errorf("%w: backup %s needs key %s", ErrKey, backupID, e.KeyID)
	case k.ID != e.KeyID:
		return nil, fmt.Errorf("%w: backup %s needs key %s, at hand is %s", ErrKey, backupID, e.KeyID, k.ID)
	}
	n := k.wrap.NonceSize()
	if len(e.WrappedKey) < n {
		return nil, damage(manifestKey(backupID), 0, "its wrapped key is too short")
	}
	secret, err := k.wrap.Open(nil, e.WrappedKey[:n], e.WrappedKey[n:], []byte(backupID))
	if err != nil {
		return nil, damage(manifestKey(backupID), 0, "its wrapped key was changed")
	}
	aead, err := newAEAD(secret)
	if err != nil {
		return nil, damage(manifestKey(backupID), 0, "its wrapped key is none")
	}
	return &dataKey{aead: aead, secret: secret}, nil
}

func newAEAD(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
