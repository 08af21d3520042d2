// Package seal encrypts small secrets to one reader. A CHAP password on its way from a storage node to whoever logs in passes
// through flows, whose histories are kept and shown; sealed, only the process that asked can read it.
//
// It is NaCl's anonymous box: X25519, XSalsa20 and Poly1305, with a key of its own for each box.
package seal

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/nacl/box"

	"github.com/clinker-storage/clinker/internal/durable"
)

// keySize is that of an X25519 key.
const keySize = 32

// ErrSealed is the answer to a box that is damaged, or sealed to another key.
var ErrSealed = errors.New("the secret is sealed to another key")

// Key opens what was sealed to its public part. It lives in the memory of one process and shows nothing of itself in logs.
type Key struct{ public, private *[keySize]byte }

// NewKey makes a key.
func NewKey() (Key, error) {
	public, private, err := box.GenerateKey(rand.Reader)
	return Key{public, private}, err
}

// Public is what others seal to; it is no secret.
func (k Key) Public() []byte { return k.public[:] }

// String hides the key.
func (Key) String() string { return "***" }

// GoString hides the key from %#v.
func (Key) GoString() string { return "***" }

// Seal encrypts v, as JSON, to a public key.
func Seal(public []byte, v any) ([]byte, error) {
	if len(public) != keySize {
		return nil, fmt.Errorf("a public key has %d bytes, not %d", keySize, len(public))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return box.SealAnonymous(nil, text, (*[keySize]byte)(public), rand.Reader)
}

// Open decrypts what Seal made for this key, into v. ErrSealed for anything else.
func (k Key) Open(sealed []byte, v any) error {
	text, ok := box.OpenAnonymous(nil, sealed, k.public, k.private)
	if !ok {
		return ErrSealed
	}
	return json.Unmarshal(text, v)
}

// LoadKey reads the key in a file, and makes both at the first time: what was sealed to a process can be opened by the one that comes after it. A
// file that others may read is refused.
func LoadKey(path string) (Key, error) {
	k, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = NewKey(); err != nil {
		return k, err
	}
	if err := writeKey(path, append(k.public[:], k.private[:]...)); err != nil {
		return Key{}, err
	}
	return readKey(path) // of two that make one at once, the first one's
}

func readKey(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Key{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Key{}, fmt.Errorf("%s has mode %04o; allowed is 0600 or less", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, 2*keySize+1))
	if err == nil && len(text) != 2*keySize {
		err = fmt.Errorf("%s holds no key: remove it", path)
	}
	if err != nil {
		return Key{}, err
	}
	k := Key{new([keySize]byte), new([keySize]byte)}
	copy(k.public[:], text[:keySize])
	copy(k.private[:], text[keySize:])
	return k, nil
}

// writeKey makes the file whole or not at all, and leaves one that is there already alone.
func writeKey(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := durable.Create(path, text); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
