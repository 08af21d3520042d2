package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLinksNoServer keeps the client small: none of the server's libraries and packages may come in, by whatever path.
func TestLinksNoServer(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	require.NoError(t, err)
	deps := strings.Fields(string(out))
	require.Contains(t, deps, "github.com/clinker-storage/clinker/internal/cli")

	const ours = "github.com/clinker-storage/clinker/"
	allowed := []string{ours + "cmd/clinker", ours + "internal/cli", ours + "internal/flow", ours + "models", ours + "drivers/devices", ours + "internal/durable"}
	for _, store := range []string{"", "/backups", "/backups/posix", "/backups/s3", "/backups/stores", "/backups/swift"} { // disaster recovery
		allowed = append(allowed, ours+"drivers"+store)
	}
	for _, dep := range deps {
		for _, banned := range []string{"go.temporal.io/", "gorm.io/", "github.com/gin-gonic/", "google.golang.org/grpc", "runtime/cgo"} {
			require.False(t, strings.HasPrefix(dep, banned), "the client links %s", dep)
		}
		if strings.HasPrefix(dep, ours) {
			require.Contains(t, allowed, dep, "the client links a package of the server")
		}
	}
}
