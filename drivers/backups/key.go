package backups

import (
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// Names of objects; all objects of a backup begin with its id and a slash.
const (
	manifestName     = "manifest"
	checkpointPrefix = "checkpoint-"
	restorePrefix    = "restore-"
	packPrefix       = "pack-"
)

func manifestKey(id string) string            { return id + "/" + manifestName }
func checkpointKey(id, attempt string) string { return id + "/" + checkpointPrefix + attempt }
func restoreKey(id, restore string) string    { return id + "/" + restorePrefix + restore }

func packKey(id, attempt string, number uint32) string {
	return fmt.Sprintf("%s/%s%s-%06x", id, packPrefix, attempt, number)
}

const maxKey = 512

// CheckKey refuses names that a file system or an object store could take for something else: segments of letters,
// digits and "._-" that don't begin with a dot, with single slashes between.
func CheckKey(key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("%w: a key has 1 to %d characters", drivers.ErrInvalid, maxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment[0] == '.' || strings.Trim(segment, keyCharacters) != "" {
			return fmt.Errorf("%w: key %q: allowed are segments of letters, digits and ._- with a slash between", drivers.ErrInvalid, key)
		}
		for _, c := range []byte(segment) {
			if strings.IndexByte(keyCharacters, c) < 0 {
				return fmt.Errorf("%w: key %q: allowed are segments of letters, digits and ._- with a slash between", drivers.ErrInvalid, key)
			}
		}
	}
	return nil
}

const keyCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
