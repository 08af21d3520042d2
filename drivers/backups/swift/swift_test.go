package swift_test

import (
	"net"
	"os"
	"testing"

	"github.com/ncw/swift/v2/swifttest"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/storetest"
	"github.com/clinker-storage/clinker/drivers/backups/swift"
	"github.com/clinker-storage/clinker/tests/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

func options(t *testing.T) swift.Options {
	srv, err := swifttest.NewSwiftServer("127.0.0.1")
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return swift.Options{AuthURL: srv.AuthURL, AuthVersion: 1, User: swifttest.TEST_ACCOUNT, Key: swifttest.TEST_ACCOUNT, Container: "volumebackups", Create: true}
}

func open(t *testing.T, o swift.Options) *swift.Store {
	s, err := swift.New(o)
	require.NoError(t, err)
	return s
}

// The fake sends bytes beyond an object's end, so the conformance suite is for the real one.
func TestConformance(t *testing.T) {
	srv := rig.Swift(t, 1<<30)
	o := swift.Options{AuthURL: srv.AuthURL, AuthVersion: 1, User: srv.User, Key: srv.Key, Container: "volumebackups", Create: true}
	storetest.Run(t, func(t *testing.T) backups.Store {
		s := open(t, o)
		require.NoError(t, s.Check(t.Context()))
		return s
	})
	t.Run("Container", func(t *testing.T) {
		storetest.Container(t, func(name string, create bool) backups.Store {
			o := o
			o.Container, o.Create = name, create
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
		require.NoError(t, s.Delete(t.Context(), "a"))
		require.NoError(t, s.Delete(t.Context(), "b"))
	})
}

func TestFaults(t *testing.T) {
	o := options(t)
	require.NoError(t, open(t, o).Check(t.Context()))
	storetest.Faults(t, o.AuthURL, func(t *testing.T, address string) backups.Store {
		o.StorageURL = address + "/v1/AUTH_" + swifttest.TEST_ACCOUNT
		return open(t, o)
	})
}

// A container that is not there is a store that can't be used, never an empty one.
func TestNoContainer(t *testing.T) {
	o := options(t)
	o.Create = false
	s := open(t, o)
	require.ErrorIs(t, s.Check(t.Context()), drivers.ErrUnavailable)
	_, err := s.Stat(t.Context(), "a")
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.ErrorIs(t, s.Delete(t.Context(), "a"), drivers.ErrUnavailable)
	for _, err = range s.List(t.Context(), "") {
	}
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.NotEmpty(t, drivers.Hint(err))
}

func TestBadCredentials(t *testing.T) {
	o := options(t)
	o.Key = "secret-that-is-wrong"
	err := open(t, o).Check(t.Context())
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.NotContains(t, err.Error()+drivers.Hint(err), o.Key)
	require.Contains(t, drivers.Hint(err), "backup_swift_key")
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	s := open(t, swift.Options{AuthURL: "http://" + addr + "/auth/v1.0", AuthVersion: 1, User: "u", Key: "k", Container: "c"})
	require.ErrorIs(t, s.Put(t.Context(), "a", nil), drivers.ErrUnavailable)
}

func TestOptions(t *testing.T) {
	for _, o := range []swift.Options{{}, {AuthURL: "http://x"}, {AuthURL: "http://x", Container: "c", CAFile: "/absent"}} {
		_, err := swift.New(o)
		require.ErrorIs(t, err, drivers.ErrInvalid)
	}
}
