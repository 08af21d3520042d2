package qcow

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/clinker-storage/clinker/drivers"
)

// counts are a file's counters of who refers to its clusters, of 16 bits each, and give out those behind the last that is in use.
type counts struct {
	f     *os.File
	bits  uint
	at    int64    // of the table
	table []uint64 // where the blocks of counters are
	next  int64    // first byte behind the last cluster in use

	blocks map[int][]byte // some of them, of which
	fresh  map[int]bool   // these are not in the file yet
	grown  bool           // the table is not in the file yet
}

// load reads the table, of so many clusters, and finds the last cluster in use.
func (c *counts) load(clusters int) error {
	if n := int64(clusters) << c.bits; n == 0 || n > maxL1 {
		return Bad("has a table of counters of %d clusters", clusters)
	}
	var err error
	if c.table, err = readTable(c.f, uint64(c.at), clusters<<(c.bits-3)); err != nil {
		return err
	}
	for slot := len(c.table) - 1; slot >= 0; slot-- {
		if c.table[slot] == 0 {
			continue
		}
		b, err := c.block(slot)
		if err != nil {
			return err
		}
		for k := len(b) - 2; k >= 0; k -= 2 {
			if b[k]|b[k+1] != 0 {
				c.next = (int64(slot)<<(c.bits-1) + int64(k/2) + 1) << c.bits
				return nil
			}
		}
	}
	return Bad("counts no cluster, not its own either")
}

func (c *counts) block(slot int) ([]byte, error) {
	if b, ok := c.blocks[slot]; ok {
		return b, nil
	}
	b := make([]byte, 1<<c.bits)
	if n, err := c.f.ReadAt(b, int64(c.table[slot]&offsetMask)); n < len(b) {
		return nil, short(err)
	}
	c.blocks[slot] = b
	return b, nil
}

// allocate gives out one cluster.
func (c *counts) allocate() (int64, error) {
	for {
		at := c.next
		number := at >> c.bits
		slot := int(number >> (c.bits - 1))
		if slot >= len(c.table) {
			return 0, fmt.Errorf("%w: a qcow2 file whose table of counters is full can't be made larger here", drivers.ErrNotSupported)
		}
		made := c.table[slot] == 0
		if made { // the first of its clusters holds the block itself
			c.table[slot], c.grown, c.blocks[slot] = uint64(at), true, make([]byte, 1<<c.bits)
		}
		b, err := c.block(slot)
		if err != nil {
			return 0, err
		}
		binary.BigEndian.PutUint16(b[2*(number&(1<<(c.bits-1)-1)):], 1)
		c.fresh[slot] = true
		c.next += 1 << c.bits
		if !made {
			return at, nil
		}
	}
}

// save writes what has changed. A counter without a reference is a lost cluster and no harm; the other way round is damage.
func (c *counts) save() error {
	for slot := range c.fresh {
		if _, err := c.f.WriteAt(c.blocks[slot], int64(c.table[slot]&offsetMask)); err != nil {
			return err
		}
	}
	if c.grown {
		if err := writeTable(c.f, uint64(c.at), c.table); err != nil {
			return err
		}
	}
	clear(c.fresh)
	clear(c.blocks)
	c.grown = false
	return nil
}
