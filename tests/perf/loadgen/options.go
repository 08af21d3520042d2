package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/tests/perf/load"
)

// options are what the command line says.
type options struct {
	client   load.Client
	plan     load.Plan
	command  string
	nowait   bool
	duration time.Duration // get
	path     string        // list
	id, kind string        // get, wait
	until    []string      // wait
}

// headers collects repeated -H 'Name: value'.
type headers http.Header

func (h headers) String() string { return "" }

func (h headers) Set(s string) error {
	name, value, ok := strings.Cut(s, ":")
	if !ok {
		return errors.New("a header is 'Name: value'")
	}
	http.Header(h).Set(strings.TrimSpace(name), strings.TrimSpace(value))
	return nil
}

// parse reads the command line: global flags, the command, its flags. What is wrong is told on out.
func parse(args []string, out io.Writer) (*options, error) {
	o := &options{client: load.Client{Header: http.Header{}}}
	global := flag.NewFlagSet("loadgen", flag.ContinueOnError)
	global.SetOutput(out)
	global.StringVar(&o.client.Base, "base", "http://127.0.0.1:8776/v3", "base URL up to the project segment")
	global.StringVar(&o.client.Project, "project", "", "project id put in the path")
	global.Var(headers(o.client.Header), "H", "header 'Name: value', repeatable")
	timeout := global.Duration("timeout", 120*time.Second, "longest wait for one answer")
	global.Usage = func() {
		fmt.Fprintln(out, "usage: loadgen [flags] latency|create|list|get|delete|wait|counts [its flags]")
		global.PrintDefaults()
	}
	if err := global.Parse(args); err != nil {
		return nil, err
	}
	o.client.HTTP = load.NewHTTP(*timeout)
	if o.command = global.Arg(0); o.command == "" {
		global.Usage()
		return nil, errors.New("no command")
	}
	if command(o.command) == nil {
		global.Usage()
		return nil, fmt.Errorf("unknown command %s", o.command)
	}
	return o, o.parseCommand(global.Args()[1:], out)
}

func (o *options) parseCommand(args []string, out io.Writer) error {
	fs := flag.NewFlagSet(o.command, flag.ContinueOnError)
	fs.SetOutput(out)
	p := &o.plan
	fs.IntVar(&p.N, "n", 100, "how many; delete: 0 for all")
	fs.IntVar(&p.C, "c", 1, "how many at once")
	fs.StringVar(&p.Prefix, "prefix", "lg-", "begin of the volumes' names")
	fs.StringVar(&p.Type, "type", "", "volume type")
	fs.IntVar(&p.Size, "size", 1, "GiB")
	fs.DurationVar(&p.Poll, "poll", 5*time.Millisecond, "time between two looks at a status")
	fs.DurationVar(&p.Max, "max", 300*time.Second, "longest wait for the last one")
	fs.BoolVar(&o.nowait, "nowait", false, "create: do not wait for `available`")
	fs.DurationVar(&o.duration, "d", 5*time.Second, "get: how long")
	fs.StringVar(&o.path, "path", "/volumes/detail?limit=1000", "list: what to get")
	fs.StringVar(&o.id, "id", "", "get, wait: id of the volume or resource")
	fs.StringVar(&o.kind, "kind", "volumes", "wait: volumes, snapshots or backups")
	until := fs.String("until", "available,error", "wait: comma list of the statuses that end it; `gone` for 404")
	if err := fs.Parse(args); err != nil {
		return err
	}
	o.until = strings.Split(*until, ",")
	if (o.command == "get" || o.command == "wait") && o.id == "" {
		fmt.Fprintln(out, o.command, "needs -id")
		return errors.New("no id")
	}
	return nil
}
