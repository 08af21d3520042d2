package backups

import "github.com/clinker-storage/clinker/drivers"

// layout is how a volume is cut: regions of blocks, the last of each shorter where the volume ends.
type layout struct {
	size   int64 // bytes
	block  int64 // bytes
	region int64 // blocks in a region
}

func (l layout) blocks() int64 { return (l.size + l.block - 1) / l.block }
func (l layout) regions() int  { return int((l.blocks() + l.region - 1) / l.region) }
func (l layout) stride() int64 { return l.block * l.region } // bytes in a region
func (l layout) regionOf(r int) (off, length int64) {
	off = int64(r) * l.stride()
	return off, min(l.stride(), l.size-off)
}

// blocksIn counts the blocks of region r.
func (l layout) blocksIn(r int) int {
	_, length := l.regionOf(r)
	return int((length + l.block - 1) / l.block)
}

// Extent is a run of bytes of the volume.
type Extent = drivers.Extent
