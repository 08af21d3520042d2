package files

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

const uuidLen = 36

// NewID makes up a name that nobody else has.
func NewID() string { return rand.Text() }

// ID returns the first uuid in a file's name, "" when the name can't be a volume's. A volume's file bears its uuid
// (volume_name_template has one %s): by that it is found, and told from files that others put into the folder.
func ID(name string) string {
	if strings.HasPrefix(name, ".") {
		return ""
	}
	for i := 0; i+uuidLen <= len(name); i++ {
		if IsUUID(name[i : i+uuidLen]) {
			return name[i : i+uuidLen]
		}
	}
	return ""
}

// IsUUID tells whether s is one. Not a regular expression: the statistics ask it of every file.
func IsUUID(s string) bool {
	if len(s) != uuidLen {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

// Check refuses volumes whose name is not safe as a file's or does not bear the id.
func Check(v drivers.Volume) error {
	if err := drivers.CheckName(v.Name); err != nil {
		return err
	}
	if id := ID(v.Name); id == "" || v.ID != "" && v.ID != id {
		return fmt.Errorf("%w: name %q; it must hold the volume's uuid once", drivers.ErrInvalid, v.Name)
	}
	return nil
}

// CheckNew is Check for a volume that is to be made.
func CheckNew(v drivers.Volume) error {
	if v.Size <= 0 {
		return fmt.Errorf("%w: size of %d bytes; it must be positive", drivers.ErrInvalid, v.Size)
	}
	return Check(v)
}

// partSuffix ends the hidden name under which a file is written.
const partSuffix = ".part"

// PartName is the hidden name under which the file of that name is written.
func PartName(name string) string { return "." + name + partSuffix }

// OfPart returns the id of the volume that a part belongs to, and whether it is a part of a volume at all.
func OfPart(file string) (id string, ok bool) {
	name, ok := strings.CutSuffix(file, partSuffix)
	if !ok || !strings.HasPrefix(name, ".") {
		return "", false
	}
	id = ID(strings.TrimLeft(name, "."))
	return id, id != ""
}
