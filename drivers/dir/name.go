package dir

import (
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

const uuidLen = 36

// idOf returns the first uuid in a file's name, "" when the name can't be a volume's. A volume's file bears its uuid
// (volume_name_template has one %s): by that it is found, and told from files that others put into the folder.
func idOf(name string) string {
	if strings.HasPrefix(name, ".") {
		return ""
	}
	for i := 0; i+uuidLen <= len(name); i++ {
		if isUUID(name[i : i+uuidLen]) {
			return name[i : i+uuidLen]
		}
	}
	return ""
}

// isUUID tells whether s, 36 characters long, is one. Not a regular expression: the statistics ask it of every file.
func isUUID(s string) bool {
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

// check refuses volumes whose name is not safe as a file's or does not bear the id.
func check(v drivers.Volume) error {
	if err := drivers.CheckName(v.Name); err != nil {
		return err
	}
	if id := idOf(v.Name); id == "" || v.ID != "" && v.ID != id {
		return fmt.Errorf("%w: name %q; it must hold the volume's uuid once", drivers.ErrInvalid, v.Name)
	}
	return nil
}

// partSuffix ends the hidden name under which a volume is written.
const partSuffix = ".part"

func partName(name string) string { return "." + name + partSuffix }

// ofPart returns the name of the volume that a part belongs to.
func ofPart(file string) (name string, ok bool) {
	name, ok = strings.CutSuffix(file, partSuffix)
	if !ok || !strings.HasPrefix(name, ".") || idOf(name[1:]) == "" {
		return "", false
	}
	return name[1:], true
}
