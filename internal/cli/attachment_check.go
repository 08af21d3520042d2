package cli

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// NewCheck is a check of attachments to start.
type NewCheck struct {
	Mend  bool          // what is certain, and have messages left of the rest
	Apart time.Duration // between its two looks; 0 leaves it to the service
}

// StartCheck has the service compare attachments with what targets, hosts and guests have.
func (c *Client) StartCheck(ctx context.Context, n NewCheck) (Object, error) {
	fields := Object{"mend": n.Mend}
	if n.Apart != 0 {
		fields["apart"] = int64(n.Apart / time.Second)
	}
	check, _, err := c.post(ctx, "attachment_check", fields, "attachment-checks")
	return check, err
}

// AttachmentCheck shows how a check stands; id may be latest.
func (c *Client) AttachmentCheck(ctx context.Context, id string) (Object, error) {
	return c.get(ctx, "attachment_check", "attachment-checks", id)
}

// AwaitCheck waits for the end of a check.
func (c *Client) AwaitCheck(ctx context.Context, id string, timeout time.Duration) (Object, error) {
	ctx, cancel := context.WithTimeout(ctx, bound(timeout))
	defer cancel()
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		check, err := c.AttachmentCheck(ctx, id)
		if err != nil && ExitCode(err) != Unavailable {
			return nil, err
		}
		if err == nil && Text(check["state"]) != "running" {
			return check, nil
		}
		select {
		case <-ctx.Done():
			return nil, Errorf(Unavailable, "check %s is not done yet", id)
		case <-time.After(pause):
		}
	}
}

// Differences lists what a check has found.
func (c *Client) Differences(ctx context.Context, id string) ([]Object, error) {
	return c.list(ctx, "differences", nil, 0, "attachment-checks", id, "differences")
}

// CheckOutcome is nil for a check that has found nothing, or that runs still. Otherwise it says how much it has, or why it could not.
func CheckOutcome(check Object) error {
	switch n := Text(check["differences"]); {
	case Text(check["state"]) == "failed":
		return Errorf(Failure, "check %s failed: %s", Text(check["id"]), Text(check["error"]))
	case Text(check["state"]) != "done" || n == "0":
		return nil
	case n == "1":
		return Errorf(Failure, "1 difference (%s mended)", Text(check["mended"]))
	default:
		return Errorf(Failure, "%s differences (%s mended)", n, Text(check["mended"]))
	}
}

// Unanswered says of which places a check knows nothing; "" is none.
func Unanswered(check Object) string {
	places, _ := check["places_unanswered"].([]any)
	if len(places) == 0 {
		return ""
	}
	var names []string
	for _, p := range places {
		names = append(names, Text(p))
	}
	return fmt.Sprintf("nothing is known of what is at %s: no answer", strings.Join(names, ", "))
}

// DifferenceColumns are the columns of a list of what a check has found. Record, target, host and guest say who has the volume; empty is not known.
var DifferenceColumns = []Column{
	{Title: "Volume", Key: "volume_id"},
	{Title: "Place", Key: "place"},
	{Title: "Difference", Key: "difference"},
	{Title: "Record", Key: "record"},
	{Title: "Target", Key: "target"},
	{Title: "Host", Key: "host"},
	{Title: "Guest", Key: "guest"},
	{Title: "Outcome", Key: "outcome"},
	{Title: "Attachment", Key: "attachment_id", Long: true},
	{Title: "Initiator", Key: "initiator", Long: true},
	{Title: "Stored As", Key: "stored_as", Long: true},
	{Title: "Project", Key: "project_id", Long: true},
	{Title: "Flow", Key: "flow_id", Long: true},
}

// CheckRecord shows how a check stands.
func CheckRecord(check Object) Record { return NewRecord(check, nil) }
