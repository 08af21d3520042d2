package crash

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// writeLog reads what dm-log-writes has recorded of a disk (Linux, drivers/md/dm-log-writes.c): each write when a flush has made
// it last, in that order. What stands before a place in it is what the disk had, had the power been cut there and everything
// been lost that nobody flushed.
type writeLog struct {
	from   io.ReaderAt
	at     int64 // byte of the next entry
	left   uint64
	sector int64 // bytes
}

const (
	logMagic   = 0x6a736677736872
	logDiscard = 1 << 2
	logMark    = 1 << 3
)

// logEntry begins a sector; the text of a mark follows in it, the data of a write in the sectors behind it.
type logEntry struct{ Sector, Sectors, Flags, Text uint64 }

func openWriteLog(from io.ReaderAt) (*writeLog, error) {
	var super struct {
		Magic, Version, Entries uint64
		SectorSize              uint32
	}
	if err := binary.Read(io.NewSectionReader(from, 0, 512), binary.LittleEndian, &super); err != nil {
		return nil, err
	}
	if super.Magic != logMagic || super.Version != 1 {
		return nil, fmt.Errorf("no log of version 1: %+v", super)
	}
	return &writeLog{from: from, at: int64(super.SectorSize), left: super.Entries, sector: int64(super.SectorSize)}, nil
}

// replay does to a disk what was done up to the next mark, and returns that; io.EOF says that there is none.
func (l *writeLog) replay(to io.WriterAt) (mark string, err error) {
	for ; l.left > 0; l.left-- {
		sector := make([]byte, l.sector)
		if _, err := l.from.ReadAt(sector, l.at); err != nil {
			return "", err
		}
		var e logEntry
		if _, err := binary.Decode(sector, binary.LittleEndian, &e); err != nil {
			return "", err
		}
		l.at += l.sector
		switch {
		case e.Flags&logMark != 0:
			l.left--
			begin := binary.Size(e)
			return string(sector[begin : begin+int(e.Text)]), nil
		case e.Flags&logDiscard != 0:
			return "", errors.New("the log has a discard, and what a disk reads after one is anybody's guess")
		}
		data := make([]byte, int64(e.Sectors)*l.sector)
		if _, err := l.from.ReadAt(data, l.at); err != nil {
			return "", err
		}
		if _, err := to.WriteAt(data, int64(e.Sector)*l.sector); err != nil {
			return "", err
		}
		l.at += int64(len(data))
	}
	return "", io.EOF
}

// disk is one in memory.
type disk []byte

func (d disk) WriteAt(p []byte, at int64) (int, error) { return copy(d[at:], p), nil }

func TestWriteLog(t *testing.T) {
	var raw bytes.Buffer
	put := func(e logEntry, text string, data ...byte) {
		e.Text, e.Sectors = uint64(len(text)), uint64(len(data))
		sector := make([]byte, 512)
		_, err := binary.Encode(sector, binary.LittleEndian, e)
		require.NoError(t, err)
		copy(sector[binary.Size(e):], text)
		raw.Write(sector)
		for _, b := range data {
			raw.Write(bytes.Repeat([]byte{b}, 512))
		}
	}
	super := make([]byte, 512)
	binary.LittleEndian.PutUint64(super, logMagic)
	binary.LittleEndian.PutUint64(super[8:], 1)
	binary.LittleEndian.PutUint64(super[16:], 6)
	binary.LittleEndian.PutUint32(super[24:], 512)
	raw.Write(super)
	put(logEntry{Sector: 1}, "", 'a', 'b')
	put(logEntry{Flags: 1}, "") // a flush
	put(logEntry{Flags: logMark}, "one")
	put(logEntry{Sector: 2}, "", 'c')
	put(logEntry{Flags: logMark}, "two")
	put(logEntry{Flags: logDiscard}, "")

	l, err := openWriteLog(bytes.NewReader(raw.Bytes()))
	require.NoError(t, err)
	d := make(disk, 4*512)
	first := func() string { return string([]byte{d[0], d[512], d[1024], d[1536+511]}) }
	for _, c := range []struct{ mark, has string }{{"one", "\x00ab\x00"}, {"two", "\x00ac\x00"}} {
		mark, err := l.replay(d)
		require.NoError(t, err)
		require.Equal(t, []string{c.mark, c.has}, []string{mark, first()})
	}
	_, err = l.replay(d)
	require.ErrorContains(t, err, "discard")
	l.left = 0
	_, err = l.replay(d)
	require.ErrorIs(t, err, io.EOF)
	_, err = openWriteLog(bytes.NewReader(make([]byte, 512)))
	require.ErrorContains(t, err, "no log")
}
