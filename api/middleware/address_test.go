package middleware

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2001:db8::1/128")}
	for _, test := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"nobody between", "192.0.2.7:1234", nil, "192.0.2.7"},
		{"a client that lies", "192.0.2.7:1234", []string{"198.51.100.1"}, "192.0.2.7"},
		{"a proxy", "10.0.0.1:1234", []string{"192.0.2.7"}, "192.0.2.7"},
		{"a client that lies to a proxy", "10.0.0.1:1234", []string{"198.51.100.1, 192.0.2.7"}, "192.0.2.7"},
		{"two proxies", "10.0.0.1:1234", []string{"198.51.100.1, 192.0.2.7,10.0.0.2"}, "192.0.2.7"},
		{"headers one by one", "10.0.0.1:1234", []string{"198.51.100.1", "192.0.2.7"}, "192.0.2.7"},
		{"nothing said", "10.0.0.1:1234", nil, "10.0.0.1"},
		{"no address", "10.0.0.1:1234", []string{"192.0.2.7, unknown"}, "10.0.0.1"},
		{"no address before a proxy", "10.0.0.1:1234", []string{"x, 10.0.0.2"}, "10.0.0.2"},
		{"a proxy's own request", "10.0.0.1:1234", []string{"10.0.0.3"}, "10.0.0.3"},
		{"IPv6", "[2001:db8::1]:1234", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1234", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
		{"a zone", "[fe80::1%eth0]:1234", nil, "fe80::1"},
		{"a socket", "@", []string{"192.0.2.7"}, "@"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.peer
		for _, text := range test.forwarded {
			r.Header.Add("X-Forwarded-For", text)
		}
		require.Equal(t, test.want, address(r, proxies), test.name)
	}
}

// Whatever a client writes into X-Forwarded-For, it doesn't choose its own address: that is its connection's, or what a trusted proxy wrote last.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"203.0.113.9", "a, 198.51.100.7", ",,", "fe80::1%eth0", "::ffff:10.0.0.1", "10.0.0.1, 10.0.0.2", "\x00"} {
		f.Add("192.0.2.1:5", text)
		f.Add("10.0.0.9:5", text)
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {forwarded, "10.0.0.7"}}}
		got := address(r, proxies)
		from, err := netip.ParseAddrPort(peer)
		switch {
		case err != nil:
			require.Equal(t, peer, got)
		case !within(from.Addr().Unmap(), proxies):
			require.Equal(t, from.Addr().Unmap().WithZone("").String(), got)
		default:
			_, err := netip.ParseAddr(got)
			require.NoError(t, err)
		}
	})
}
