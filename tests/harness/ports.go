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
	return FreeAddrAt(t, "127.0.0.1")
}

// FreeAddrAt is FreeAddr for another IP address of this machine.
func FreeAddrAt(t testing.TB, ip string) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("%s:%d", ip, firstPort+rand.IntN(lastPort-firstPort))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatalf("closing %s: %v", addr, err)
		}
		return addr
	}
	t.Fatalf("no free port on %s", ip)
	return ""
}
