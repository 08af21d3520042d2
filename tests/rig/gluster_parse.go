package rig

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// parseStatus reads `gluster volume status V --xml` (GlusterFS 10.3): which hosts' bricks are online.
func parseStatus(text string, hosts []string) ([]bool, error) {
	var status struct {
		Nodes []struct {
			Hostname string `xml:"hostname"`
			Path     string `xml:"path"`
			Status   int    `xml:"status"`
		} `xml:"volStatus>volumes>volume>node"`
	}
	if err := xml.Unmarshal([]byte(text), &status); err != nil {
		return nil, fmt.Errorf("reading the status of the volume: %w", err)
	}
	online := make([]bool, len(hosts))
	for _, n := range status.Nodes {
		if i := slices.Index(hosts, n.Hostname); i >= 0 && n.Status == 1 {
			online[i] = true
		}
	}
	return online, nil
}

var entriesLine = regexp.MustCompile(`(?m)^Number of entries(?: in split-brain)?: (\S+)$`)

// countEntries adds up what `gluster volume heal V info` says of each brick. A brick that can't be asked has "-" and
// counts for nothing: what it lacks stands with the others.
func countEntries(text string, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	found := entriesLine.FindAllStringSubmatch(text, -1)
	if found == nil {
		return 0, fmt.Errorf("no number of entries in %q", text)
	}
	sum := 0
	for _, m := range found {
		if m[1] == "-" {
			continue
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
