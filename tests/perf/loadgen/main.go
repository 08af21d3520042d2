// Loadgen puts load on any Block Storage API v3 and prints what it measured as one JSON object:
//
//	loadgen -base http://127.0.0.1:8776/v3 -project demo -H 'X-Auth-Token: admin:demo' create -n 500 -c 16
//
// -base is everything before "/{project}/volumes"; without -project that segment is left out.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit status: 2 for a wrong command line, 1 when the command failed.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, errs)
	if err != nil {
		return 2
	}
	result, err := command(o.command)(o, ctx)
	if err == nil {
		err = emit(out, o.command, result)
	}
	if err != nil {
		fmt.Fprintln(errs, "loadgen:", err)
		return 1
	}
	return 0
}
