package e2e

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ncw/swift/v2"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
	"github.com/clinker-storage/clinker/tests/rig"
)

// TestBackupStores has a chain of ten in a real Swift, and in the same by S3; TestTutorialData has the other kinds of stores. In the
// end there lies in it what flows leave that were ended by hand.
func TestBackupStores(t *testing.T) {
	t.Parallel()
	server := rig.Swift(t, 2*rig.GiB)
	s := harness.Up(t, harness.Options{Env: []string{
		"CLINKER_BACKUP_DRIVER=swift", "CLINKER_BACKUP_SWIFT_AUTH_VERSION=1", "CLINKER_BACKUP_SWIFT_AUTH_URL=" + server.AuthURL, "CLINKER_BACKUP_SWIFT_USER=" + server.User,
		"CLINKER_BACKUP_SWIFT_KEY=" + server.Key, "CLINKER_BACKUP_SWIFT_CONTAINER=byswift", "CLINKER_BACKUP_COMPRESSION_ALGORITHM=zstd",
	}})
	ten := source{client: s.API("ten"), by: "hashes", sh: filesShell(s.VolumeDir())}
	chainOfTen(t, ten)
	require.Empty(t, listSwift(t, server, "byswift"))

	g := newGate(t, server.S3URL)
	s.Stop(t)
	s.Env = append(s.Env, "CLINKER_BACKUP_DRIVER=s3", "CLINKER_BACKUP_S3_ENDPOINT_URL="+g.url, "CLINKER_BACKUP_S3_STORE_ACCESS_KEY="+server.User,
		"CLINKER_BACKUP_S3_STORE_SECRET_KEY="+server.Key, "CLINKER_BACKUP_S3_STORE_BUCKET=bys3", "CLINKER_BACKUP_COMPRESSION_ALGORITHM=none")
	s.Start(t)
	ended := newEnded(t, s, server, g)
	chainOfTen(t, ten)
	ended.check(t)
	s.API("any").WaitQuiet(t)
	s.CheckConsistent(t)
	for _, line := range s.Logged(t, "level=ERROR") {
		require.Contains(t, line, "no heartbeat was acknowledged", "only steps of flows that were ended by hand fail")
	}
	require.Empty(t, s.Logged(t, "panic"))
}

// swiftAt is a connection to a Swift, as others have who keep their objects there.
func swiftAt(t *testing.T, server *rig.SwiftServer) *swift.Connection {
	t.Helper()
	c := &swift.Connection{AuthUrl: server.AuthURL, UserName: server.User, ApiKey: server.Key, AuthVersion: 1}
	require.NoError(t, c.Authenticate(context.WithoutCancel(t.Context())))
	return c
}

// listSwift lists a container's objects in their order.
func listSwift(t *testing.T, server *rig.SwiftServer, container string) []string {
	t.Helper()
	names, err := swiftAt(t, server).ObjectNamesAll(t.Context(), container, nil)
	require.NoError(t, err)
	slices.Sort(names)
	return names
}

// listFolder lists a folder's files in their order, by their paths in it.
func listFolder(t *testing.T, folder string) []string {
	t.Helper()
	names := objects(t, folder)
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, folder+string(os.PathSeparator))
	}
	slices.Sort(names)
	return names
}
