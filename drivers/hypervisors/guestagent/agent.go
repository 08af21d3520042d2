// Package guestagent has guests hold still by the QEMU guest agent in them (docs/interop/qemu-ga-ref of QEMU). How its lines get there, the
// hypervisor knows.
package guestagent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/clinker-storage/clinker/drivers"
)

// Ask has the guest's agent run one command and reads its result into out. An agent that does not answer is drivers.ErrUnavailable, what it refused
// a *Refusal.
type Ask func(ctx context.Context, command string, out any) error

// Refusal is a command that the agent refused.
type Refusal struct {
	Class string `json:"class"`
	Desc  string `json:"desc"`
}

// Error is what the agent said.
func (r *Refusal) Error() string { return r.Desc }

// frozen is what guest-fsfreeze-status says of a guest that holds still.
const frozen = "frozen"

// Ready looks whether there is an agent, and whether it can freeze.
func Ready(ctx context.Context, ask Ask) error {
	var info struct {
		Commands []struct {
			Name    string `json:"name"`
			Enabled bool   `json:"enabled"`
		} `json:"supported_commands"`
	}
	if err := ask(ctx, "guest-info", &info); err != nil {
		return explain(err)
	}
	for _, c := range info.Commands {
		if c.Name == "guest-fsfreeze-thaw" && c.Enabled { // enabled in a frozen guest too, unlike the freeze
			return nil
		}
	}
	return &drivers.Error{
		Err:  fmt.Errorf("%w: the guest's agent does not freeze file systems", drivers.ErrNotSupported),
		Hint: "allow guest-fsfreeze-freeze, -status and -thaw in the guest's qemu-ga.conf",
	}
}

// Freeze has the guest write out what it holds back, and hold still. A guest that does so already is drivers.ErrBusy: it was somebody
// else, who will let it go on when they please. What fails leaves it as it was.
func Freeze(ctx context.Context, ask Ask) error {
	still, err := holds(ctx, ask)
	if err == nil && still {
		return &drivers.Error{
			Err:  fmt.Errorf("%w: the guest's file systems are frozen by somebody else", drivers.ErrBusy),
			Hint: "another backup of the guest may be at work; `virsh domfsthaw` lets it go on",
		}
	}
	var n int
	if err == nil {
		err = ask(ctx, "guest-fsfreeze-freeze", &n)
	}
	if err == nil && n == 0 { // the agent takes that for not frozen at all
		return &drivers.Error{
			Err:  fmt.Errorf("%w: the guest has no file system mounted that could be frozen", drivers.ErrNotSupported),
			Hint: "whatever uses its disks has to be told by itself; back up without quiesce",
		}
	}
	return explain(err)
}

// Thaw lets the guest go on. held says whether it held still until now: one that did not is success.
func Thaw(ctx context.Context, ask Ask) (held bool, err error) {
	if held, err = holds(ctx, ask); err == nil && held {
		err = ask(ctx, "guest-fsfreeze-thaw", nil)
	}
	return held && err == nil, explain(err)
}

func holds(ctx context.Context, ask Ask) (bool, error) {
	var status string
	err := ask(ctx, "guest-fsfreeze-status", &status)
	return status == frozen, err
}

// explain makes an error of the drivers' of what the agent said.
func explain(err error) error {
	var r *Refusal
	if !errors.As(err, &r) {
		return err
	}
	sentinel, hint := drivers.ErrUnavailable, ""
	if r.Class == "CommandNotFound" || r.Class == "CommandDisabled" || strings.Contains(r.Desc, "disabled") {
		sentinel, hint = drivers.ErrNotSupported, "allow guest-fsfreeze-freeze, -status and -thaw in the guest's qemu-ga.conf"
	}
	return &drivers.Error{Err: fmt.Errorf("%w: the guest's agent says: %s", sentinel, r.Desc), Hint: hint}
}

// Answer reads what an agent said in one line.
func Answer(line []byte, out any) error {
	var r struct {
		Return json.RawMessage `json:"return"`
		Error  *Refusal        `json:"error"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("%w: what the guest's agent said can't be read: %w", drivers.ErrUnavailable, err)
	}
	if r.Error != nil {
		return r.Error
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(r.Return, out); err != nil {
		return fmt.Errorf("%w: what the guest's agent said can't be read: %w", drivers.ErrUnavailable, err)
	}
	return nil
}
