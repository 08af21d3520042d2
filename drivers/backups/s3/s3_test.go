package s3_test

import (
	"net"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/s3"
	"github.com/clinker-storage/clinker/drivers/backups/storetest"
	"github.com/clinker-storage/clinker/tests/rig"
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

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// A real one: OpenStack's Swift, which speaks S3 too.
func TestConformance(t *testing.T) {
	srv := rig.Swift(t, 1<<30)
	o := s3.Options{Endpoint: srv.S3URL, AccessKey: srv.User, SecretKey: srv.Key, Bucket: "volumebackups", Create: true, Region: "us-east-1"}
	storetest.Run(t, func(t *testing.T) backups.Store {
		s := open(t, o)
		require.NoError(t, s.Check(t.Context()))
		return s
	})
	t.Run("WrongKey", func(t *testing.T) {
		bad := o
		bad.SecretKey = "no-such-key"
		err := open(t, bad).Check(t.Context())
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		require.Contains(t, drivers.Hint(err), "backup_s3_store_secret_key")
		require.NotContains(t, err.Error(), bad.SecretKey)
	})
	t.Run("Container", func(t *testing.T) {
		storetest.Container(t, func(name string, create bool) backups.Store {
			o := o
			o.Bucket, o.Create = name, create
			return open(t, o)
		})
	})
	t.Run("ServerAway", func(t *testing.T) {
		s := open(t, o)
		require.NoError(t, s.Put(t.Context(), "a", []byte("x")))
		srv.Kill()
		require.ErrorIs(t, s.Put(t.Context(), "b", []byte("x")), drivers.ErrUnavailable)
		_, err := s.Stat(t.Context(), "a")
		require.ErrorIs(t, err, drivers.ErrUnavailable)
		srv.Start()
		require.NoError(t, s.Put(t.Context(), "b", []byte("x")))
	})
}

func TestFaults(t *testing.T) {
	o := options(t)
	require.NoError(t, open(t, o).Check(t.Context()))
	storetest.Faults(t, o.Endpoint, func(t *testing.T, address string) backups.Store {
		o.Endpoint = address
		return open(t, o)
	})
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
