// Command clinkerd is Clinker's server: `clinkerd up` runs everything in one process; `api` and `worker` run its parts
// apart against any Temporal and any PostgreSQL.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/worker"
)

// version is set by the linker: -X main.version=...
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	worker.SetBinaryChecksum(version) // else the SDK reads and hashes the whole binary at start
	err := noDumps()
	if err == nil {
		err = command().ExecuteContext(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "clinkerd:", err)
		var usage usageError
		if errors.As(err, &usage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "clinkerd",
		Short:         "Block storage for private clouds: Cinder's API, every operation a durable Temporal workflow",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(upCommand(), apiCommand(), workerCommand(), dbCommand(), temporalCommand(), configCommand(), policyCommand(), identityCommand(), driverCommand(), codecServerCommand(), backupCommand(), nodeCommand())
	return root
}
