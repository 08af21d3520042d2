package backups

import (
	"crypto/sha256"
	"fmt"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/cpu"

	"github.com/clinker-storage/clinker/drivers"
)

// What blobs are named by, as a manifest's hash says.
const (
	SHA256 = "sha256" // FIPS 180-4
	BLAKE3 = "blake3" // its plain hash of 32 bytes: no key, no context
)

// Hash is that of a blob before compression and encryption.
type Hash = [32]byte

// hashOf is the function of that name.
func hashOf(name string) (func(blob []byte) Hash, error) {
	switch name {
	case SHA256:
		return sha256.Sum256, nil
	case BLAKE3:
		return blake3.Sum256, nil
	}
	return nil, fmt.Errorf("%w: hash %q; known are %s, %s", drivers.ErrInvalid, name, SHA256, BLAKE3)
}

// quickerHash is BLAKE3 where the CPU has what its library makes use of, else SHA-256, for which most have instructions. Every
// reader knows both.
func quickerHash() string {
	if cpu.X86.HasAVX2 {
		return BLAKE3
	}
	return SHA256
}
