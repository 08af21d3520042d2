package lvm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// copyDevice copies the first size bytes from one device to another, zeros included: what lay on a thick volume before is
// anybody's. It is cut off by the context, keeps to the pace, and syncs.
func copyDevice(ctx context.Context, to, from string, size int64, p *pace) error {
	in, err := openDevice(from, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := openDevice(to, os.O_WRONLY|unix.O_EXCL)
	if err != nil {
		return err
	}
	defer out.Close()
	err = eachPiece(ctx, in, size, p, func(piece []byte, at int64) error {
		_, err := out.WriteAt(piece, at)
		return err
	})
	if err != nil {
		return err
	}
	return out.Sync()
}

// sum is the SHA-256 of a device's first size bytes.
func sum(ctx context.Context, path string, size int64, p *pace) (string, error) {
	f, err := openDevice(path, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	err = eachPiece(ctx, f, size, p, func(piece []byte, _ int64) error {
		_, err := h.Write(piece)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// eachPiece reads the first size bytes of a device, piece by piece. While one piece is done with, the next is read.
func eachPiece(ctx context.Context, f *os.File, size int64, p *pace, do func(piece []byte, at int64) error) error {
	step := p.piece(writeStep)
	buf, free, err := buffer(2 * step)
	if err != nil {
		return err
	}
	defer free()
	reading, stop := context.WithCancel(ctx)
	pieces, ended := make(chan []byte), make(chan error, 1)
	go func() {
		defer close(pieces)
		ended <- readPieces(reading, f, size, p, [][]byte{buf[:step], buf[step:]}, pieces)
	}()
	defer func() { // the reader is done with the buffer before it goes
		stop()
		for range pieces {
		}
	}()
	at := int64(0)
	for piece := range pieces {
		if err := do(piece, at); err != nil {
			return err
		}
		at += int64(len(piece))
		drivers.ReportProgress(ctx, drivers.Bytes(at), drivers.Bytes(size))
	}
	return errors.Join(<-ended, ctx.Err())
}

// readPieces hands out the pieces of a device in its buffers, in turn. Who takes one is done with the one before.
func readPieces(ctx context.Context, f *os.File, size int64, p *pace, bufs [][]byte, pieces chan<- []byte) error {
	for at, i := int64(0), 0; at < size; i++ {
		buf := bufs[i%len(bufs)]
		piece := buf[:min(int64(len(buf)), size-at)]
		if err := p.wait(ctx, len(piece)); err != nil {
			return err
		}
		if n, err := f.ReadAt(piece, at); n < len(piece) {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("%w: the device is smaller than the volume", drivers.ErrUnavailable)
			}
			return err
		}
		select {
		case pieces <- piece:
			at += int64(len(piece))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
