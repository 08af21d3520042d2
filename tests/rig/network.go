package rig

import (
	"fmt"
	"os/exec"
	"strings"
)

// The bridge of a session is clkr<N> with 198.18.N.1/24, a range that is kept for tests (RFC 2544) and routed nowhere. It
// stands in the network namespace of the test, so that the test's own processes and the nodes reach one another.

func (s *session) link() string   { return fmt.Sprintf("clkr%d", s.number) }
func (s *session) prefix() string { return fmt.Sprintf("198.18.%d", s.number) }

// gateway is the test's side of the bridge.
func (s *session) gateway() string { return s.prefix() + ".1" }

func (s *session) makeBridge() error {
	if err := note(s.dir, "links", s.link()); err != nil {
		return err
	}
	_ = ip("link", "del", s.link()) // of a process whose folder is gone
	for _, args := range [][]string{
		{"link", "add", s.link(), "type", "bridge"},
		{"addr", "add", s.gateway() + "/24", "dev", s.link()},
		{"link", "set", s.link(), "up"},
	} {
		if err := ip(args...); err != nil {
			return err
		}
	}
	return nil
}

// makeTap makes the link of a node and puts it on the bridge.
func (s *session) makeTap(dir string, node int) (string, error) {
	tap := fmt.Sprintf("%st%d", s.link(), node)
	if err := note(dir, "links", tap); err != nil {
		return "", err
	}
	_ = ip("link", "del", tap)
	for _, args := range [][]string{
		{"tuntap", "add", tap, "mode", "tap"},
		{"link", "set", tap, "master", s.link()},
		{"link", "set", tap, "up"},
	} {
		if err := ip(args...); err != nil {
			return "", err
		}
	}
	return tap, nil
}

func ip(args ...string) error {
	out, err := exec.Command(find("ip"), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
