package backups

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/clinker-storage/clinker/drivers"
)

// Compression methods of a backup.
const (
	Zstd          = "zstd"
	Zlib          = "zlib"
	NoCompression = "none"
)

// codec turns blobs into what lies in a pack and back. It is safe for concurrent use.
type codec struct {
	method string
	sum    func(blob []byte) Hash
	key    *dataKey
	enc    *zstd.Encoder
	dec    *zstd.Decoder
	aead   cipher.AEAD // nil where the backup is not encrypted
}

// newCodec makes a backup's codec, used by so many goroutines at once.
func newCodec(m *Manifest, key *dataKey, workers int) (*codec, error) {
	sum, err := hashOf(m.Hash)
	if err != nil {
		return nil, err
	}
	c := &codec{method: m.Compression, sum: sum, key: key}
	if key != nil {
		c.aead = key.aead
	}
	largest := m.largest()
	window := zstd.MinWindowSize
	for int64(window) < largest && window < zstd.MaxWindowSize {
		window *= 2
	}
	switch m.Compression {
	case Zstd:
		c.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(workers),
			zstd.WithEncoderCRC(false), zstd.WithWindowSize(window))
	case Zlib, NoCompression:
	default:
		return nil, fmt.Errorf("%w: compression %q; known are %s, %s, %s", drivers.ErrInvalid, m.Compression, Zstd, Zlib, NoCompression)
	}
	if err == nil {
		c.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(workers), zstd.WithDecoderMaxMemory(uint64(max(largest, 1<<20))),
			zstd.WithDecoderMaxWindow(uint64(max(largest, 1<<20))))
	}
	return c, err
}

func (c *codec) close() {
	if c.enc != nil {
		_ = c.enc.Close() // nothing is buffered: EncodeAll is all that is used
	}
	c.dec.Close()
}

// seal makes of plain what is to lie in a pack, and the flags to note with it. What it returns is plain itself when there is
// nothing to do with it, else the end of dst, which is returned grown.
func (c *codec) seal(dst, plain []byte) (grown, blob []byte, flags uint8, err error) {
	flags = flagStored
	begin := len(dst)
	body := plain
	if packed, err := c.compress(dst, plain); err != nil {
		return dst, nil, 0, err
	} else if n := len(packed) - begin; n > 0 && n < len(plain) {
		flags |= flagCompressed
		dst, body = packed, packed[begin:]
	}
	if c.aead == nil {
		return dst, body, flags, nil
	}
	// The nonce is random: a data key seals fewer than 2^32 blobs, within what NIST SP 800-38D allows for random ones.
	begin = len(dst)
	nonce := make([]byte, c.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return dst, nil, 0, err
	}
	dst = append(dst, nonce...)
	dst = c.aead.Seal(dst, nonce, body, nil)
	return dst, dst[begin:], flags, nil
}

func (c *codec) compress(dst, plain []byte) ([]byte, error) {
	switch c.method {
	case Zstd:
		if !c.promising(dst, plain) {
			return dst, nil
		}
		return c.enc.EncodeAll(plain, dst), nil
	case Zlib:
		b := bytes.NewBuffer(dst)
		w := zlibWriters.Get().(*zlib.Writer)
		defer zlibWriters.Put(w)
		w.Reset(b)
		if _, err := w.Write(plain); err != nil {
			return nil, err
		}
		err := w.Close()
		return b.Bytes(), err
	}
	return dst, nil
}

const (
	samples    = 8
	sampleSize = 512
)

// promising tries pieces of a block: what is encrypted or compressed already is not worth the time, and that is a good part of
// many volumes. end is memory that may be written.
func (c *codec) promising(end, plain []byte) bool {
	if len(plain) < 4*samples*sampleSize {
		return true
	}
	var buf [samples * sampleSize]byte
	step := (len(plain) - sampleSize) / (samples - 1)
	for i := range samples {
		copy(buf[i*sampleSize:], plain[i*step:i*step+sampleSize])
	}
	return len(c.enc.EncodeAll(buf[:], end))-len(end) < len(buf)*31/32
}

var zlibWriters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

// open brings a blob back into dst, which is exactly as long as the blob was, and compares its hash.
func (c *codec) open(dst, blob []byte, e entry) error {
	if c.aead != nil {
		n := c.aead.NonceSize()
		if len(blob) < n+c.aead.Overhead() {
			return errShort
		}
		plain, err := c.aead.Open(blob[n:n], blob[:n], blob[n:], nil)
		if err != nil {
			return errSeal
		}
		blob = plain
	}
	if e.Flags&flagCompressed == 0 {
		if len(blob) != len(dst) {
			return errLength
		}
		copy(dst, blob)
	} else if err := c.decompress(dst, blob); err != nil {
		return err
	}
	if c.sum(dst) != e.Hash {
		return errHash
	}
	return nil
}

var (
	errShort  = errors.New("it is shorter than its seal")
	errSeal   = errors.New("it was changed after it was encrypted")
	errLength = errors.New("it has another length than it should")
	errHash   = errors.New("it does not match its hash")
)

func (c *codec) decompress(dst, blob []byte) error {
	if c.method == Zlib {
		r, err := zlib.NewReader(bytes.NewReader(blob))
		if err != nil {
			return errors.New("it can't be decompressed")
		}
		if _, err := io.ReadFull(r, dst); err != nil {
			return errLength
		}
		if n, err := r.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
			return errLength
		}
		return nil
	}
	out, err := c.dec.DecodeAll(blob, dst[:0])
	if err != nil {
		return errors.New("it can't be decompressed")
	}
	if len(out) != len(dst) {
		return errLength
	}
	if len(out) > 0 && &out[0] != &dst[0] {
		copy(dst, out)
	}
	return nil
}
