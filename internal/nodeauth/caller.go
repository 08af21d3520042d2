package nodeauth

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/internal/flow"
)

// Caller is who calls. The zero value is nobody.
type Caller struct {
	// Control is the control plane: API and control workers.
	Control bool
	// Hosts are those whose queues a node serves: its own, and those that its backends are named with.
	Hosts []string
}

// Node is the caller that serves hosts.
func Node(hosts ...string) Caller { return Caller{Hosts: hosts} }

// Names of callers in certificates (the subject's common name) and in the file of tokens.
const (
	controlName = "control"
	nodePrefix  = "node/"
)

// hostName is a host as cinder's configuration names it; what separates words in names and files is not in it.
var hostName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$`)

// Named reads the name of a caller: "control", or "node/HOST" with more hosts behind commas.
func Named(name string) (Caller, error) {
	if name == controlName {
		return Caller{Control: true}, nil
	}
	list, ok := strings.CutPrefix(name, nodePrefix)
	hosts := strings.Split(list, ",")
	if !ok || slices.ContainsFunc(hosts, func(h string) bool { return !hostName.MatchString(h) }) {
		return Caller{}, fmt.Errorf("%q names neither the control plane (control) nor a node (node/HOST)", name)
	}
	return Node(hosts...), nil
}

// String is the name.
func (c Caller) String() string {
	switch {
	case c.Control:
		return controlName
	case len(c.Hosts) > 0:
		return nodePrefix + strings.Join(c.Hosts, ",")
	}
	return "nobody"
}

// serves tells whether a queue is one of the node's.
func (c Caller) serves(queue string) bool {
	host, ok := flow.QueueHost(queue)
	return ok && slices.Contains(c.Hosts, host)
}
