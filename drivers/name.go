package drivers

import "fmt"

// MaxName is the longest name that every backend can keep: LVM's limit of 127 less room for a driver's own suffix.
const MaxName = 110

// CheckName refuses names that some backend would read as a path, an option or a hidden file. Allowed are letters,
// digits and "_.+-", which is what LVM allows (lvm(8), "valid names"); the first is a letter, a digit or "_"; no "..".
func CheckName(name string) error {
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("%w: name of %d characters, allowed are 1 to %d", ErrInvalid, len(name), MaxName)
	}
	for i := range len(name) {
		c := name[i]
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
		inner := c == '-' || c == '+' || c == '.' && name[i-min(i, 1)] != '.'
		if !word && (i == 0 || !inner) {
			return fmt.Errorf("%w: name %q; allowed are letters, digits and _.+-, beginning with a letter, a digit or _", ErrInvalid, name)
		}
	}
	return nil
}
