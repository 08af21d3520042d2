package activities

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/internal/flow/wire"
	"github.com/clinker-storage/clinker/internal/seal"
	"github.com/clinker-storage/clinker/models"
)

// reachable is a connector of volumes that are files somewhere.
type reachable struct {
	connectors.Connector
	at, format string
	asked      []models.ConnectionInfo
	err        error
}

func (r *reachable) Connect(_ context.Context, info models.ConnectionInfo) (connectors.Device, error) {
	r.asked = append(r.asked, info)
	return connectors.Device{Path: r.at, Format: r.format}, r.err
}

// farSite is a site whose target is of another host: n2.
func farSite(t *testing.T) (*site, *reachable) {
	t.Helper()
	s := newSite(t, &beats{})
	s.in.TargetHost = "n2@b#b"
	key, err := seal.NewKey()
	require.NoError(t, err)
	r := &reachable{at: s.path(t, s.b, s.in.Target)}
	s.copies.Far = &FarOpener{Connectors: r, Key: key, StateDir: s.copies.StateDir}
	sealed, err := seal.Seal(key.Public(), map[string]any{"auth_password": "hush"})
	require.NoError(t, err)
	s.in.Far = flow.Far{
		Host: s.in.TargetHost, Sealed: sealed, ZeroFilled: true,
		Connection: models.ConnectionInfo{DriverVolumeType: "iscsi", Data: map[string]any{"target_iqn": "iqn.x", "auth_method": "CHAP"}},
	}
	return s, r
}

func TestCopyToAnotherHost(t *testing.T) {
	s, r := farSite(t)
	require.NoError(t, s.run(t, s.copies.CopyVolume))
	require.NoError(t, s.run(t, s.copies.VerifyVolume))
	got, err := os.ReadFile(r.at)
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.data, got))
	require.Len(t, r.asked, 2, "each step connects anew: the host may have been rebooted")
	require.Equal(t, "hush", r.asked[0].Data["auth_password"])
	require.NotContains(t, s.in.Far.Connection.Data, "auth_password")
	require.NoError(t, s.a.DeleteVolume(t.Context(), s.in.Source), "nobody holds it any more")
}

func TestCopyFromAnotherHost(t *testing.T) {
	s, r := farSite(t)
	require.NoError(t, os.WriteFile(r.at, s.data, 0o600))
	s.in.Source, s.in.Target = s.in.Target, s.in.Source
	s.in.SourceHost, s.in.TargetHost = "n2@b#b", "n1@a#a"
	require.NoError(t, os.WriteFile(s.path(t, s.a, s.in.Target), make([]byte, siteSize), 0o600))
	require.NoError(t, s.run(t, s.copies.CopyVolume))
	require.NoError(t, s.run(t, s.copies.VerifyVolume))
	got, err := os.ReadFile(s.path(t, s.a, s.in.Target))
	require.NoError(t, err)
	require.True(t, bytes.Equal(s.data, got))
}

func TestFarRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site, *reachable)
		class  flow.ErrorType
		says   string
	}{
		"away": {func(_ *site, r *reachable) {
			r.err = &drivers.Error{Op: "connect", Driver: "iscsi", Err: drivers.ErrUnavailable}
		}, flow.ErrUnavailable, "not available"},
		"another key":     {func(s *site, _ *reachable) { s.in.Far.Sealed[3]++ }, flow.ErrCertain, "sealed to another key"},
		"no known format": {func(_ *site, r *reachable) { r.format = "vmdk" }, flow.ErrNotSupported, "vmdk"},
		"not qcow2":       {func(_ *site, r *reachable) { r.format = "qcow2" }, flow.ErrCertain, "qcow2 header"},
	} {
		t.Run(name, func(t *testing.T) {
			s, r := farSite(t)
			c.change(s, r)
			fe := wire.Parse(s.run(t, s.copies.CopyVolume))
			require.Equal(t, c.class, fe.Type, fe.Message)
			require.Contains(t, fe.Message, c.says)
			require.NotContains(t, fe.Message, "hush")
			r.err, r.format = nil, ""
			_, release, err := s.copies.Far.connect(t.Context(), s.in.Target, flow.Far{}) // its lock is free
			require.NoError(t, err)
			release()
		})
	}
}

// The lock on this host is all there is where the volume's own is on another (data-safety rule 1).
func TestFarAttemptsDoNotOverlap(t *testing.T) {
	s, r := farSite(t)
	first, release, err := s.copies.Far.OpenTarget(t.Context(), s.in.Target, s.in.Far)
	require.NoError(t, err)
	s.secondWaits(t, first, release, r.at)
}
