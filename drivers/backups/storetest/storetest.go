// Package storetest holds backup stores to the contract of backups.Store.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
)

// Run runs the suite; open opens the same, at first empty, store each time it is called.
func Run(t *testing.T, open func(t *testing.T) backups.Store) {
	for name, test := range map[string]func(*testing.T, backups.Store){
		"Check": check, "PutAndGet": putAndGet, "Ranges": ranges, "Replace": replace, "Absent": absent, "List": list,
		"Keys": keys, "Cancelled": cancelled, "Concurrently": concurrently, "Large": large, "Backup": backup,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				empty(t, s)
				require.NoError(t, s.Close())
				require.NoError(t, s.Close(), "a second time")
			})
			test(t, s)
		})
	}
}

// empty removes all objects, with a context of its own.
func empty(t *testing.T, s backups.Store) {
	together(t, names(t, s, ""), func(key string) error { return s.Delete(context.Background(), key) })
	require.Empty(t, names(t, s, ""))
}

// together does something with many objects, several at once.
func together(t *testing.T, keys []string, do func(key string) error) {
	var g errgroup.Group
	g.SetLimit(8)
	for _, key := range keys {
		g.Go(func() error { return do(key) })
	}
	require.NoError(t, g.Wait())
}

func names(t *testing.T, s backups.Store, prefix string) []string {
	var out []string
	for o, err := range s.List(context.Background(), prefix) {
		require.NoError(t, err)
		out = append(out, o.Key)
	}
	return out
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func check(t *testing.T, s backups.Store) {
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, s.Check(t.Context()))
	require.Empty(t, names(t, s, ""), "nothing of it stays")
	p := s.Properties()
	require.NotEmpty(t, p.Kind)
	require.NotEmpty(t, p.Location)
}

func putAndGet(t *testing.T, s backups.Store) {
	for _, n := range []int{1, 4095, 4096, 4097, 1 << 20, 1<<20 + 1} {
		key, data := fmt.Sprintf("a/size-%d", n), random(n)
		sent := bytes.Clone(data)
		require.NoError(t, s.Put(t.Context(), key, data))
		require.Equal(t, sent, data, "what is stored is not changed")
		back, err := backups.ReadAll(t.Context(), s, key, 2<<20)
		require.NoError(t, err)
		require.Equal(t, len(sent), len(back))
		require.True(t, bytes.Equal(sent, back))
		o, err := s.Stat(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, backups.Object{Key: key, Size: int64(n)}, o)
	}
}

func ranges(t *testing.T, s backups.Store) {
	data := random(100_000)
	require.NoError(t, s.Put(t.Context(), "r", data))
	for _, c := range []struct{ off, n, want int }{
		{0, 10, 10}, {99_990, 10, 10}, {99_990, 11, 10}, {50_000, 50_000, 50_000}, {100_000, 5, 0}, {200_000, 5, 0}, {7, 4096, 4096},
	} {
		p := make([]byte, c.n)
		n, err := s.Get(t.Context(), "r", p, int64(c.off))
		require.Equal(t, c.want, n, "%+v", c)
		if c.want < c.n {
			require.ErrorIs(t, err, io.EOF, "%+v", c)
		} else if err != nil {
			require.ErrorIs(t, err, io.EOF, "%+v", c)
		}
		require.True(t, bytes.Equal(data[min(c.off, len(data)):min(c.off, len(data))+n], p[:n]), "%+v", c)
	}
}

func replace(t *testing.T, s backups.Store) {
	for _, n := range []int{1000, 10, 5000} {
		data := random(n)
		require.NoError(t, s.Put(t.Context(), "same", data))
		back, err := backups.ReadAll(t.Context(), s, "same", 1<<20)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, back))
	}
	require.Equal(t, []string{"same"}, names(t, s, ""))
}

func absent(t *testing.T, s backups.Store) {
	require.NoError(t, s.Put(t.Context(), "dir/there", []byte("x")))
	for _, key := range []string{"not", "dir/not", "dir", "dir/there/not", "other/not"} {
		_, err := s.Get(t.Context(), key, make([]byte, 1), 0)
		require.ErrorIs(t, err, drivers.ErrNotFound, key)
		_, err = s.Stat(t.Context(), key)
		require.ErrorIs(t, err, drivers.ErrNotFound, key)
		require.NoError(t, s.Delete(t.Context(), key), key)
	}
	require.NoError(t, s.Delete(t.Context(), "dir/there"))
	require.NoError(t, s.Delete(t.Context(), "dir/there"), "a second time")
	require.Empty(t, names(t, s, ""))
}

func list(t *testing.T, s backups.Store) {
	want := []string{"a/1", "a/2", "a/b/c", "b-x", "b/1", "b/10", "b/2", "c"}
	for _, key := range want {
		require.NoError(t, s.Put(t.Context(), key, []byte(key)))
	}
	require.Equal(t, want, names(t, s, ""))
	require.Equal(t, want[:3], names(t, s, "a/"))
	require.Equal(t, []string{"b/1", "b/10"}, names(t, s, "b/1"))
	require.Equal(t, []string{"b-x", "b/1", "b/10", "b/2"}, names(t, s, "b"))
	require.Empty(t, names(t, s, "d/"))
	for o, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		require.Equal(t, int64(len(o.Key)), o.Size)
		break // a caller may stop early
	}
	var many []string
	for i := range 250 {
		many = append(many, fmt.Sprintf("many/%04d", i))
	}
	together(t, many, func(key string) error { return s.Put(t.Context(), key, []byte("x")) })
	require.Equal(t, many, names(t, s, "many/"))
}

func keys(t *testing.T, s backups.Store) {
	for _, key := range []string{"", "/", "/a", "a/", "a//b", "..", "../x", "a/../b", ".hidden", "a/.x", "a b", "a\x00b", "é", "a\\b", strings.Repeat("x", 600)} {
		require.ErrorIs(t, s.Put(t.Context(), key, nil), drivers.ErrInvalid, "%q", key)
		_, err := s.Get(t.Context(), key, make([]byte, 1), 0)
		require.ErrorIs(t, err, drivers.ErrInvalid, "%q", key)
		_, err = s.Stat(t.Context(), key)
		require.ErrorIs(t, err, drivers.ErrInvalid, "%q", key)
		require.ErrorIs(t, s.Delete(t.Context(), key), drivers.ErrInvalid, "%q", key)
	}
	require.Empty(t, names(t, s, ""))
}

func cancelled(t *testing.T, s backups.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Put(ctx, "k", nil), context.Canceled)
	_, err := s.Get(ctx, "k", make([]byte, 1), 0)
	require.ErrorIs(t, err, context.Canceled)
	for _, err = range s.List(ctx, "") {
	}
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, names(t, s, ""))
}

func concurrently(t *testing.T, s backups.Store) {
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				key, data := fmt.Sprintf("c/%d-%d", i, j), random(200_000)
				err := s.Put(t.Context(), key, data)
				if err == nil {
					var back []byte
					if back, err = backups.ReadAll(t.Context(), s, key, 1<<20); err == nil && !bytes.Equal(back, data) {
						err = errors.New("another content")
					}
				}
				if err == nil {
					err = s.Put(t.Context(), "c/same", data)
				}
				if err == nil && j%2 == 0 {
					err = s.Delete(t.Context(), key)
				}
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, names(t, s, "c/"), 8*2+1)
	o, err := s.Stat(t.Context(), "c/same")
	require.NoError(t, err)
	require.Equal(t, int64(200_000), o.Size, "one of them, whole")
}

// large is a pack of the size that backups have, of memory that direct I/O takes.
func large(t *testing.T, s backups.Store) {
	data := random(16<<20 + 777)
	require.NoError(t, s.Put(t.Context(), "large", data))
	back, err := backups.ReadAll(t.Context(), s, "large", 32<<20)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, back))
}

// backup makes, verifies, restores and deletes a small one.
func backup(t *testing.T, s backups.Store) {
	data := append(append(random(3<<20), make([]byte, 2<<20)...), bytes.Repeat([]byte("text "), 1<<20)...)
	src := backups.Bytes(data)
	_, err := backups.Create(t.Context(), s, src, backups.CreateOptions{ID: "b1", Size: int64(len(data))})
	require.NoError(t, err)
	_, damages, err := backups.Verify(t.Context(), s, "b1", backups.RestoreOptions{})
	require.NoError(t, err)
	require.Empty(t, damages)
	to := backups.Bytes(random(len(data)))
	_, err = backups.Restore(t.Context(), s, "b1", to, backups.RestoreOptions{})
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, to))
	require.NoError(t, backups.Delete(t.Context(), s, "b1"))
	require.Empty(t, names(t, s, ""))
}

// Container holds a store whose container is missing to what backup_create_containers says: the first backup makes it, or is told
// that it is not there. open opens the store on a container of that name.
func Container(t *testing.T, open func(name string, create bool) backups.Store) {
	data := backups.Bytes(random(1 << 20))
	backup := func(s backups.Store) error {
		_, err := backups.Create(t.Context(), backups.Retry(s, 2, time.Millisecond), data, backups.CreateOptions{ID: "b1", Size: int64(len(data))})
		return err
	}
	err := backup(open("madebynobody", false))
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.Contains(t, drivers.Hint(err), "backup_create_containers")

	made := open("madebybackup", true)
	require.NoError(t, backup(made))
	require.NoError(t, backup(made), "it is there already")
	require.NotEmpty(t, names(t, made, ""))
	require.NoError(t, backups.Delete(t.Context(), made, "b1"))
}
