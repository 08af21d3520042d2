package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2id as OWASP's cheat sheet of passwords recommends at least (2024): 19 MiB, two passes, one lane.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16
)

// maxPassword bounds what a login makes us hash, in bytes.
const maxPassword = 4096

// hashing bounds the memory and processors that logins take, however many come at once.
var hashing = make(chan struct{}, 2)

// HashPassword makes what is stored of a password: $argon2id$v=19$m=..,t=..,p=..$salt$hash.
func HashPassword(ctx context.Context, password string) (string, error) {
	if password == "" || len(password) > maxPassword {
		return "", fmt.Errorf("a password of 1 to %d bytes is needed; this one %w", maxPassword, errPassword)
	}
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails
	key, err := derive(ctx, password, salt, argonTime, argonMemory, argonLanes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

var errPassword = errors.New("is not valid")

// checkPassword tells whether a password is the one that was hashed. An error is a context that ended while it waited its turn.
func checkPassword(ctx context.Context, hash, password string) (bool, error) {
	parts := strings.Split(hash, "$")
	var version, memory, passes, lanes int
	if len(parts) != 6 || parts[1] != "argon2id" || len(password) > maxPassword {
		return false, nil
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, nil
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || memory < 8 || memory > 1<<20 || passes < 1 || passes > 16 || lanes < 1 || lanes > 16 {
		return false, nil
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, nil
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) != argonKey {
		return false, nil
	}
	got, err := derive(ctx, password, salt, uint32(passes), uint32(memory), uint8(lanes))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}

func derive(ctx context.Context, password string, salt []byte, passes, memory uint32, lanes uint8) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
		return argon2.IDKey([]byte(password), salt, passes, memory, lanes, argonKey), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
