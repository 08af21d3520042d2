package s3_test

import (
	"net"
	"net/http/httptest"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/s3"
	"github.com/clinker-storage/clinker/drivers/backups/storetest"
)

func options(t *testing.T) s3.Options {
	srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(srv.Close)
	return s3.Options{Endpoint: srv.URL, AccessKey: "access", SecretKey: "secret-key", Bucket: "volumebackups", Create: true, Region: "us-east-1"}
}

func open(t *testing.T, o s3.Options) *s3.Store {
	s, err := s3.New(o)
	require.NoError(t, err)
	return s
}

func TestConformanceOfTheFake(t *testing.T) {
	storetest.Run(t, func(t *testing.T) backups.Store {
		s := open(t, options(t))
		require.NoError(t, s.Check(t.Context()))
		return s
	})
}

// A bucket that is not there is a store that can't be used, never an empty one.
func TestNoBucket(t *testing.T) {
	o := options(t)
	o.Create = false
	s := open(t, o)
	require.ErrorIs(t, s.Check(t.Context()), drivers.ErrUnavailable)
	_, err := s.Stat(t.Context(), "a")
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	_, err = s.Get(t.Context(), "a", make([]byte, 1), 0)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.ErrorIs(t, s.Put(t.Context(), "a", nil), drivers.ErrUnavailable)
	for _, err = range s.List(t.Context(), "") {
	}
	require.ErrorIs(t, err, drivers.ErrUnavailable)
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	s := open(t, s3.Options{Endpoint: "http://" + addr, AccessKey: "a", SecretKey: "hush-hush", Bucket: "b", Region: "r"})
	err = s.Put(t.Context(), "a", nil)
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.NotContains(t, err.Error()+drivers.Hint(err), "hush")
}

func TestOptions(t *testing.T) {
	for _, o := range []s3.Options{
		{}, {Endpoint: "localhost:1", Bucket: "b"}, {Endpoint: "ftp://x", Bucket: "b"}, {Endpoint: "http://x"}, {Endpoint: "http://x", Bucket: "b", SSEKey: "short"},
	} {
		_, err := s3.New(o)
		require.ErrorIs(t, err, drivers.ErrInvalid, "%+v", o)
	}
}
