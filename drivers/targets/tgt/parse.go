package tgt

import (
	"slices"
	"strconv"
	"strings"
)

// shown is a target as `show` tells it.
type shown struct {
	id         int32
	name       string
	nexuses    []nexus // who is logged in; of another request
	luns       []shownLUN
	accounts   []string
	initiators []string // the ACL: names and addresses
}

// nexus is a session.
type nexus struct {
	id        uint64
	initiator string
	cids      []uint32
}

type shownLUN struct {
	number       uint64
	scsiID, path string
	size         string // as tgtd shows it: "17 MB"
}

// parseTargets reads the text of `tgtadm --op show --mode target`, which is made for people: blocks of indented lines under
// "Target N: name". What it says of sessions is left out: the alias in it is any text that a host chose, lines that look like
// another target among them. See client.find for what that means to the rest.
func parseTargets(text string) []shown {
	var (
		list    []shown
		section string
	)
	for line := range strings.SplitSeq(text, "\n") {
		depth := len(line) - len(strings.TrimLeft(line, " "))
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if id, ok := strings.CutPrefix(key, "Target "); ok && depth == 0 {
			n, err := strconv.ParseInt(id, 10, 32)
			if err == nil {
				list, section = append(list, shown{id: int32(n), name: value}), ""
			}
			continue
		}
		if len(list) == 0 || strings.TrimSpace(line) == "" {
			continue
		}
		if depth == 4 {
			section = strings.TrimSuffix(strings.TrimSpace(line), ":")
			continue
		}
		list[len(list)-1].take(section, key, value)
	}
	return list
}

func (s *shown) take(section, key, value string) {
	switch section {
	case "LUN information":
		s.takeLUN(key, value)
	case "Account information":
		s.accounts = append(s.accounts, key)
	case "ACL information":
		s.initiators = append(s.initiators, strings.TrimSpace(key))
	}
}

func (s *shown) takeLUN(key, value string) {
	if number, err := strconv.ParseUint(value, 10, 64); key == "LUN" && err == nil {
		s.luns = append(s.luns, shownLUN{number: number})
		return
	}
	if len(s.luns) == 0 {
		return
	}
	switch l := &s.luns[len(s.luns)-1]; key {
	case "SCSI ID":
		l.scsiID = value
	case "Size":
		l.size, _, _ = strings.Cut(value, ",") // "17 MB, Block size: 512"
	case "Backing store path":
		l.path = value
	}
}

// parseSessions reads the text of `tgtadm --op show --mode conn`; it has no aliases, and names that passed the ACL only.
func parseSessions(text string) (list []nexus) {
	for line := range strings.SplitSeq(text, "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		number, err := strconv.ParseUint(value, 10, 64)
		switch last := len(list) - 1; {
		case key == "Session" && err == nil:
			// A session with two connections is shown twice.
			if i := slices.IndexFunc(list, func(n nexus) bool { return n.id == number }); i >= 0 {
				known := list[i]
				list = append(slices.Delete(list, i, i+1), known)
			} else {
				list = append(list, nexus{id: number})
			}
		case last < 0:
		case key == "Connection" && err == nil:
			list[last].cids = append(list[last].cids, uint32(number))
		case key == "Initiator":
			list[last].initiator = value
		}
	}
	return list
}

// parsePortals reads lines like "Portal: 192.0.2.1:3260,1".
func parsePortals(text string) (portals []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(line, "Portal: "); ok {
			portal, _, _ := strings.Cut(rest, ",")
			portals = append(portals, portal)
		}
	}
	return portals
}
