package backups

import (
	"encoding/binary"
	"fmt"
)

// entry says where a blob lies: a block of the volume, the table of a region, or the index. The zero entry stands for
// zeros and lies nowhere.
type entry struct {
	Hash       Hash
	Generation uint16 // position in the manifest's chain of the backup whose pack holds it
	Flags      uint8
	Pack       uint32 // attempt<<packBits | number
	Offset     uint32 // bytes into the pack
	Length     uint32 // bytes as they lie in the pack
}

const (
	entrySize = 48

	flagStored     = 1 << 0 // it lies in a pack; without it the entry is zero
	flagCompressed = 1 << 1

	// packBits divide an entry's pack into the attempt that wrote it and that attempt's count of packs.
	packBits    = 22
	maxPacks    = 1 << packBits
	maxAttempts = 1 << (32 - packBits)
)

func (e entry) zero() bool { return e.Flags&flagStored == 0 }

// appendTo writes the entry's 48 bytes: hash, generation, flags, a zero, pack, offset, length; little-endian.
func (e entry) appendTo(b []byte) []byte {
	b = append(b, e.Hash[:]...)
	b = binary.LittleEndian.AppendUint16(b, e.Generation)
	b = append(b, e.Flags, 0)
	b = binary.LittleEndian.AppendUint32(b, e.Pack)
	b = binary.LittleEndian.AppendUint32(b, e.Offset)
	return binary.LittleEndian.AppendUint32(b, e.Length)
}

func parseEntry(b []byte) entry {
	e := entry{
		Generation: binary.LittleEndian.Uint16(b[32:]), Flags: b[34],
		Pack: binary.LittleEndian.Uint32(b[36:]), Offset: binary.LittleEndian.Uint32(b[40:]), Length: binary.LittleEndian.Uint32(b[44:]),
	}
	copy(e.Hash[:], b)
	return e
}

func appendEntries(b []byte, entries []entry) []byte {
	for _, e := range entries {
		b = e.appendTo(b)
	}
	return b
}

// parseEntries reads a table or an index of exactly want entries.
func parseEntries(b []byte, want int) ([]entry, error) {
	if len(b) != want*entrySize {
		return nil, fmt.Errorf("it has %d bytes, where %d entries of %d belong", len(b), want, entrySize)
	}
	out := make([]entry, want)
	for i := range out {
		out[i] = parseEntry(b[i*entrySize:])
	}
	return out, nil
}
