package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/clinker-storage/clinker/tests/perf/load"
)

// command finds a command by its name, nil if there is none. It returns a struct or map, which is printed with the name.
func command(name string) func(*options, context.Context) (any, error) {
	return map[string]func(*options, context.Context) (any, error){
		"latency": (*options).latency,
		"create":  (*options).create,
		"list":    (*options).list,
		"get":     (*options).get,
		"delete":  (*options).delete,
		"wait":    (*options).wait,
		"counts":  (*options).counts,
	}[name]
}

func (o *options) latency(ctx context.Context) (any, error) {
	return load.Latency(ctx, &o.client, o.plan), nil
}

func (o *options) create(ctx context.Context) (any, error) {
	r := load.Create(ctx, &o.client, o.plan, !o.nowait)
	if o.nowait {
		return r, nil
	}
	return r, r.Count(ctx, &o.client, o.plan.Prefix)
}

func (o *options) list(ctx context.Context) (any, error) {
	return load.List(ctx, &o.client, o.path, o.plan.N)
}

func (o *options) get(ctx context.Context) (any, error) {
	return load.Get(ctx, &o.client, o.id, o.plan.C, o.duration), nil
}

func (o *options) delete(ctx context.Context) (any, error) {
	all, err := o.client.Volumes(ctx, o.plan.Prefix)
	if err != nil {
		return nil, err
	}
	if o.plan.N > 0 && o.plan.N < len(all) {
		all = all[:o.plan.N]
	}
	ids := make([]string, len(all))
	for i, v := range all {
		ids[i] = v.ID
	}
	r := load.Delete(ctx, &o.client, ids, o.plan)
	r.Left, err = o.client.Counts(ctx, o.plan.Prefix)
	return r, err
}

// wait looks at one resource until its status is one of those asked for.
func (o *options) wait(ctx context.Context) (any, error) {
	begun := time.Now()
	var last string
	done := false
	for !done && ctx.Err() == nil && time.Since(begun) < o.plan.Max {
		if status, err := o.client.Status(ctx, o.kind, o.id); err == nil {
			last = status
		}
		if done = slices.Contains(o.until, last); !done {
			time.Sleep(o.plan.Poll)
		}
	}
	r := map[string]any{"status": last, "s": math.Round(time.Since(begun).Seconds()*1000) / 1000}
	if !done {
		r["timeout"] = true
	}
	return r, nil
}

func (o *options) counts(ctx context.Context) (any, error) {
	n, err := o.client.Counts(ctx, o.plan.Prefix)
	return map[string]any{"prefix": o.plan.Prefix, "counts": n}, err
}

// emit writes the result, which must be a JSON object, with the command's name as its first member.
func emit(out io.Writer, command string, result any) error {
	b, err := json.Marshal(result)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "{\"cmd\":%q,%s\n", command, b[1:])
	return err
}
