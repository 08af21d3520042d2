package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/clinker-storage/clinker/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(int(code))
}

// run carries out one command line and returns the code to exit with.
func run(ctx context.Context, args []string, out, errOut io.Writer) cli.Code {
	a := &app{out: out, errOut: errOut}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return cli.OK
	}
	var e *cli.Error
	if !errors.As(err, &e) {
		e = cli.Errorf(cli.Usage, "%s", err)
	}
	_, _ = fmt.Fprint(errOut, "clinker: "+e.Advice())
	return e.Code
}
