package qcow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/clinker-storage/clinker/drivers"
)

// Header is what matters of a qcow2 file's first bytes (QEMU's docs/interop/qcow2.txt).
type Header struct {
	Size          drivers.Bytes // of the disk
	Backing       string        // name of the backing file, "" for none
	BackingFormat string        // "" is not said: QEMU would guess
}

const (
	magic        = "QFI\xfb"
	headerLength = 72 // of version 2; 104 and more from version 3
	maxHeader    = 64 << 10
	maxExtension = 16 << 10

	// Incompatible features (version 3). A dirty file is repaired by QEMU when it is opened for writing; compression and
	// extended L2 entries change nothing of what can be reached.
	featureDirty        = 1 << 0
	featureCorrupt      = 1 << 1
	featureExternalData = 1 << 2
	featureCompression  = 1 << 3
	featureExtendedL2   = 1 << 4

	extensionEnd           = 0
	extensionBackingFormat = 0xe2792aca
	extensionExternalData  = 0x44415441
)

// ErrHeader is a header that is damaged, or would lead to other files than it may.
var ErrHeader = fmt.Errorf("%w: its qcow2 header", drivers.ErrInvalid)

// Bad says what is wrong with a header.
func Bad(format string, args ...any) error {
	return fmt.Errorf("%w %s", ErrHeader, fmt.Sprintf(format, args...))
}

// ReadHeader reads and checks a file that must be qcow2. It refuses what would have QEMU open anything else than this file
// and its backing file: an external data file, encryption, and whatever it does not know.
func ReadHeader(r io.ReaderAt) (h Header, err error) {
	buf := make([]byte, maxHeader)
	n, err := r.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return h, err
	}
	return parseHeader(buf[:n])
}

// Is tells whether a file begins as a qcow2 file does. It serves warnings and refusals only, never to choose a format.
func Is(f *os.File) bool {
	head := make([]byte, len(magic))
	_, err := f.ReadAt(head, 0)
	return err == nil && string(head) == magic
}

func parseHeader(b []byte) (h Header, err error) {
	if len(b) < headerLength || string(b[:4]) != magic {
		return h, Bad("is missing")
	}
	be := binary.BigEndian
	version, length := be.Uint32(b[4:]), uint64(headerLength)
	switch {
	case version == 3 && len(b) >= 104:
		length = uint64(be.Uint32(b[100:]))
		if err := checkFeatures(be.Uint64(b[72:])); err != nil {
			return h, err
		}
	case version != 2:
		return h, Bad("has version %d", version)
	}
	if be.Uint32(b[32:]) != 0 {
		return h, Bad("says that it is encrypted")
	}
	if bits := be.Uint32(b[20:]); bits < 9 || bits > 21 {
		return h, Bad("has clusters of 2^%d bytes", bits)
	}
	size := be.Uint64(b[24:])
	if size == 0 || size > 1<<62 {
		return h, Bad("has a size of %d bytes", size)
	}
	h.Size = drivers.Bytes(size)
	if length < headerLength || length > uint64(len(b)) || length%8 != 0 {
		return h, Bad("has a length of %d bytes", length)
	}
	if h.Backing, err = backingName(b, length); err != nil {
		return h, err
	}
	h.BackingFormat, err = readExtensions(b, length)
	return h, err
}

func checkFeatures(f uint64) error {
	switch {
	case f&featureExternalData != 0:
		return Bad("names an external data file")
	case f&featureCorrupt != 0:
		return Bad("says that the file is corrupt")
	case f&^(featureDirty|featureCompression|featureExtendedL2) != 0:
		return Bad("has features that are not known: %#x", f)
	}
	return nil
}

func backingName(b []byte, length uint64) (string, error) {
	at, n := binary.BigEndian.Uint64(b[8:]), uint64(binary.BigEndian.Uint32(b[16:]))
	switch {
	case at == 0 && n == 0:
		return "", nil
	case n == 0 || n > 1023 || at < length || at > uint64(len(b)) || at+n > uint64(len(b)):
		return "", Bad("has a bad backing file name")
	}
	return string(b[at : at+n]), nil
}

// readExtensions walks the extensions that follow the header, up to the end mark, and returns the backing file's format.
func readExtensions(b []byte, at uint64) (format string, err error) {
	for at+8 <= uint64(len(b)) {
		kind, n := binary.BigEndian.Uint32(b[at:]), uint64(binary.BigEndian.Uint32(b[at+4:]))
		at += 8
		if kind == extensionEnd {
			return format, nil
		}
		if n > maxExtension || at+n > uint64(len(b)) {
			return "", Bad("has a bad extension")
		}
		switch kind {
		case extensionExternalData:
			return "", Bad("names an external data file")
		case extensionBackingFormat:
			format = string(b[at : at+n])
		}
		at += (n + 7) &^ 7
	}
	// Without an end mark the extensions fill the first cluster's rest; QEMU takes that for an end, too.
	return format, nil
}
