package iscsi

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/internal/execx"
)

// Properties looks for the initiator's name, iscsiadm, iscsid and multipathd.
func (c *Connector) Properties(ctx context.Context) (connectors.Properties, error) {
	if err := ctx.Err(); err != nil {
		return connectors.Properties{}, fail("look at this host", nil, err)
	}
	p := connectors.Properties{Connector: c.o.Machine}
	p.Connector.Initiator = c.initiator()
	p.Connector.Multipath = !c.o.SinglePath && c.multipathd(ctx)
	client := connectors.Client{Protocol: Protocol}
	// The version needs nobody; a program that is not there is told by the runner.
	_, err := c.run.Run(ctx, execx.Command{Name: "iscsiadm", Args: []string{"--version"}})
	switch {
	case ctx.Err() != nil:
		return connectors.Properties{}, fail("look at this host", nil, ctx.Err())
	case errors.Is(err, execx.ErrNotFound):
		client.Reason, client.Hint = "iscsiadm is not installed", installHint
	case err != nil:
		client.Reason, client.Hint = "iscsiadm does not run", "see by hand: iscsiadm --version"
	case p.Connector.Initiator == "":
		client.Reason, client.Hint = "this host has no initiator name", "write one to /etc/iscsi/initiatorname.iscsi (InitiatorName=iqn...., see iscsi-iname) and start iscsid"
	case !c.daemon():
		client.Reason, client.Hint = "iscsid does not run", daemonHint
	default:
		client.Ready = true
	}
	p.Clients = []connectors.Client{client}
	return p, nil
}

// initiator is the name that iscsid logs in with, "" if there is none. Debian writes GenerateName=yes until iscsid has made one.
func (c *Connector) initiator() string {
	text, err := os.ReadFile(c.host.path("etc/iscsi/initiatorname.iscsi"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "InitiatorName="); ok {
			return strings.TrimSpace(name)
		}
	}
	return ""
}

// daemon tells whether somebody listens for iscsiadm: iscsid, or systemd in its place until the first call.
func (c *Connector) daemon() bool {
	return strings.Contains(attribute(c.host.path("proc/self/net/unix")), "@ISCSIADM_ABSTRACT_NAMESPACE")
}
