package v3

import (
	"encoding/json"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/api/microversion"
)

// actionSpec is one of the words that POST .../action knows of a kind of resource, whose rows are T.
type actionSpec[T any] struct {
	// rule is the action's name in the policy.
	rule string
	min  microversion.Version
	// any says that the argument is not looked at, as Cinder doesn't: gophercloud sends "" where others send null.
	any bool
	// run gets the action's argument, which has no keys when it was null or absent; nil is not available yet.
	run func(a *API, c *Call, row T, f *Fields) error
}

// act reads the one action of the body, finds the row with get, and does it.
func act[T any](a *API, c *Call, known map[string]actionSpec[T], get func(*Call) (T, error)) error {
	top, err := c.Object()
	if err != nil {
		return err
	}
	keys := top.Keys()
	if len(keys) != 1 {
		return fault.BadRequest("the body must have exactly one action; it has %d", len(keys))
	}
	name := keys[0]
	spec, ok := known[name]
	switch {
	case !ok:
		return fault.BadRequest("there is no such action: %q", clip(name))
	case c.Version < spec.min:
		return fault.RouteNotFound()
	}
	if err := c.require(spec.rule); err != nil {
		return err
	}
	row, err := get(c)
	if err != nil {
		return err
	}
	if spec.run == nil {
		return fault.BadRequest("action %s is not available yet", name)
	}
	var args *Fields
	if spec.any {
		top.value(name)
	} else {
		args = top.Object(name)
	}
	if err := top.End(true); err != nil {
		return err
	}
	if args == nil {
		args = newFields(name, map[string]json.RawMessage{})
	}
	return spec.run(a, c, row, args)
}

// rulesOf are the names that a kind of resource's actions have in the policy.
func rulesOf[T any](known map[string]actionSpec[T]) []string {
	names := make([]string, 0, len(known))
	for _, action := range sortedKeys(known) {
		names = append(names, known[action].rule)
	}
	return names
}
