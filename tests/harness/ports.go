package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports below those that the kernel gives to outgoing connections, so that a server which is down for a while finds its
// own free again.
const (
	firstPort = 20000
	lastPort  = 32000
)

// FreeAddr returns a loopback address on which nobody listens.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatalf("closing %s: %v", addr, err)
		}
		return addr
	}
	t.Fatal("no free port on loopback")
	return ""
}
