//go:build !noembed

package devserver

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// claim finds out whether an address is free, and gives it back with its real
// port when that was 0. Temporal and its UI end the process when they can't
// listen, so this is asked first.
func claim(addr, what string) (string, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "", &AddrInUseError{Addr: addr, What: what, Err: err}
	case err != nil:
		return "", fmt.Errorf("can't listen on %s for %s: %w", addr, what, err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// freePorts gives n different loopback ports that nobody listens on.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		// All are held until the last is found: none is given twice.
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("no free loopback port: %w", err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

// dialable turns a wildcard address into one a client on this host can dial.
func dialable(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

func splitAddr(addr string) (host string, port int) {
	host, p, _ := net.SplitHostPort(addr)
	port, _ = strconv.Atoi(p)
	return host, port
}
