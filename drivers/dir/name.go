package dir

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// A volume's file bears its uuid (volume_name_template has one %s): by that it is found, and told from files that others
// put into the folder.
var uuid = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// idOf returns the uuid in a file's name, "" when the name can't be a volume's.
func idOf(name string) string {
	if strings.HasPrefix(name, ".") {
		return ""
	}
	return uuid.FindString(name)
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
