package models

import "fmt"

// Bytes is a size in bytes. The API and the catalogue speak GiB; drivers speak Bytes.
type Bytes int64

// GiB is 2^30 bytes, the unit of every size in the Block Storage API.
const GiB Bytes = 1 << 30

// FromGiB converts whole GiB to bytes.
func FromGiB(n int64) Bytes { return Bytes(n) * GiB }

// GiB returns the size in whole GiB, rounded up: 1 byte more than 2 GiB is 3.
func (b Bytes) GiB() int64 { return int64((b + GiB - 1) / GiB) }

// String writes the size for people: "10 GiB" when it is whole, else bytes.
func (b Bytes) String() string {
	if b%GiB == 0 {
		return fmt.Sprintf("%d GiB", b/GiB)
	}
	return fmt.Sprintf("%d bytes", int64(b))
}
