package lvmcmd

import (
	"encoding/hex"
	"strings"
)

// Tag makes an LVM tag of a key and a value. LVM allows letters, digits and _+.-/=!:&# (lvm(8), "Tags"); every other byte
// of the value, and "&" itself, is written as "&" and two hex digits.
func Tag(key, value string) string {
	var b strings.Builder
	b.WriteString(key + "=")
	for i := range len(value) {
		c := value[i]
		if plain(c) {
			b.WriteByte(c)
		} else {
			b.WriteString("&" + hex.EncodeToString([]byte{c}))
		}
	}
	return b.String()
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_+.-/=!:#", c) >= 0
}

// splitTag reads what Tag wrote. A tag without "=" is a key without a value.
func splitTag(tag string) (key, value string) {
	key, text, _ := strings.Cut(tag, "=")
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '&' && i+2 < len(text) {
			if c, err := hex.DecodeString(text[i+1 : i+3]); err == nil {
				b.Write(c)
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return key, b.String()
}

func splitTags(text string) map[string]string {
	tags := map[string]string{}
	for tag := range strings.SplitSeq(text, ",") {
		if tag != "" {
			key, value := splitTag(tag)
			tags[key] = value
		}
	}
	return tags
}
