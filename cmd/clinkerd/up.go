package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers/hypervisors/none"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/internal/devserver"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
)

// upFlags are what `clinkerd up` can be told.
type upFlags struct {
	settings
	stateDir, apiAddr, temporalAddr, uiAddr string
	relaxed, remote                         bool
}

func upCommand() *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use:   "up",
		Short: "Run everything in one process: API, workers, Temporal and its Web UI",
		Long: "Runs the API, the control worker, a storage worker for each backend, a data worker, a host worker (without guests), and an\n" +
			"embedded Temporal with its Web UI, all in this process and on this machine's loopback. The state (catalogue, Temporal's history, with the\n" +
			"default backend the volumes too) is kept below --state-dir and is found again at the next start.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context()) },
	}
	f.register(c)
	fl := c.Flags()
	fl.StringVar(&f.stateDir, "state-dir", ".clinker", "folder for all state")
	fl.StringVar(&f.apiAddr, "api-addr", "127.0.0.1:8776", "address of the Block Storage API")
	fl.StringVar(&f.temporalAddr, "temporal-addr", devserver.DefaultFrontendAddr, "address of the embedded Temporal; beyond loopback it wants server_cert in [temporal]")
	fl.StringVar(&f.uiAddr, "ui-addr", devserver.DefaultUIAddr, "address of Temporal's Web UI, on loopback; empty for none")
	fl.BoolVar(&f.relaxed, "relaxed-durability", false, "answer before the disk has the data: faster, but a power cut may lose the latest answered requests")
	remoteFlag(c, &f.remote)
	return c
}

func (f *upFlags) run(ctx context.Context) error {
	state, err := filepath.Abs(f.stateDir)
	if err != nil {
		return fmt.Errorf("--state-dir: %w", err)
	}
	cfg, log, err := f.load("CLINKER_STATE_PATH="+state, "CLINKER_TEMPORAL__ADDRESS="+f.temporalAddr)
	if err != nil {
		return err
	}
	cfg.Database.RelaxedDurability = cfg.Database.RelaxedDurability || f.relaxed
	unlock, err := lockState(state)
	if err != nil {
		return err
	}
	defer unlock()
	l, err := listenAPI(cfg, f.apiAddr, f.remote)
	if err != nil {
		return err
	}
	defer l.Close()
	return f.serveAll(ctx, cfg, l, log)
}

// serveAll starts the parts in the order in which they need each other, and stops them the other way round.
func (f *upFlags) serveAll(ctx context.Context, cfg *config.Config, l net.Listener, log *slog.Logger) error {
	begun := time.Now()
	go limitMemory(ctx)
	st, err := openStore(ctx, cfg, log, true)
	if err != nil {
		return err
	}
	defer st.Close()
	temporal, err := startTemporal(ctx, cfg, devserver.Options{
		StateDir: cfg.StatePath, FrontendAddr: f.temporalAddr, UIAddr: f.uiAddr, RelaxedDurability: f.relaxed, Logger: log,
	})
	if err != nil {
		return err
	}
	defer stopTemporal(temporal, log)
	inside := *cfg // this process needs no token and no certificate
	inside.Temporal.Address, inside.Temporal.APIKeyFile = temporal.TrustedAddr(), ""
	inside.Temporal.TLSCA, inside.Temporal.TLSCert, inside.Temporal.TLSKey, inside.Temporal.ServerName = "", "", "", ""
	cfg = &inside
	e, err := dial(ctx, cfg, log, false)
	if err != nil {
		return err
	}
	defer e.Close()
	rules, err := loadPolicy(ctx, cfg, log)
	if err != nil {
		return err
	}
	node, err := startStorage(ctx, cfg, e, log, nil)
	if err != nil {
		return err
	}
	data, err := startData(cfg, e, log, node.drivers)
	if err != nil {
		node.stop()
		return err
	}
	host, err := newHost(cfg, none.Hypervisor{})
	if err == nil {
		err = startHost(ctx, cfg, e, host, none.Hypervisor{}, log)
	}
	if err != nil {
		data.Stop()
		node.stop()
		return err
	}
	control, err := startControl(ctx, cfg, e, st, log, backendHosts(cfg), dataHosts(cfg))
	if err != nil {
		host.Stop()
		data.Stop()
		node.stop()
		return err
	}
	awaitReports(ctx, st, backendHosts(cfg), begun)
	about := banner{API: apiScheme(cfg) + l.Addr().String(), Temporal: temporal.Addr(), UI: temporal.UIURL(), State: f.stateDir}
	err = f.serveAPI(ctx, cfg, l, about, begun, func(who callers) http.Handler { return handler(cfg, e, st, rules, who, log) }, st, log)
	log.Info("stopping: no new work is taken, running steps finish or hand over")
	var g errgroup.Group
	g.Go(func() error { control.Stop(); return nil })
	g.Go(func() error { host.Stop(); return nil })
	g.Go(func() error { data.Stop(); node.stop(); return nil })
	return errors.Join(err, g.Wait())
}

// serveAPI lets callers in, tells them where, and serves them until ctx ends.
func (f *upFlags) serveAPI(ctx context.Context, cfg *config.Config, l net.Listener, about banner, begun time.Time, handle func(callers) http.Handler, st *store.Store, log *slog.Logger) error {
	var err error
	if about.Embedded = cfg.API.AuthStrategy == embedded; about.Embedded {
		if about.Password, about.Fresh, err = bootstrapUp(ctx, cfg, st); err != nil {
			return err
		}
	}
	who, err := openCallers(ctx, cfg, st, publicBase(cfg, l))
	if err != nil {
		return err
	}
	if err := about.writeClientFiles(cfg.StatePath); err != nil {
		return err
	}
	about.Took = time.Since(begun)
	about.print(os.Stdout)
	return serve(ctx, l, handle(who), log)
}

// reportPatience is how long `up` waits for its backends to tell what they have. A broken one answers too; one whose
// file system hangs does not, and must not keep the others from their users.
const reportPatience = 5 * time.Second

// awaitReports returns once every backend has reported since a time: a create that comes before finds no pool, or, after
// a long pause, only pools that seem to be down.
func awaitReports(ctx context.Context, st *store.Store, backends []string, since time.Time) {
	ctx, cancel := context.WithTimeout(ctx, reportPatience)
	defer cancel()
	for _, b := range backends {
		for !reported(ctx, st, b, since) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

func reported(ctx context.Context, st *store.Store, backend string, since time.Time) bool {
	services, err := st.ListServices(ctx, models.BinaryVolume, backend)
	if err != nil || len(services) != 1 || services[0].UpdatedAt.Before(since) {
		return false
	}
	if services[0].BackendState != "up" {
		return true // its pools may never have been seen
	}
	pools, err := st.ListPools(ctx)
	return err == nil && slices.ContainsFunc(pools, func(p models.PoolView) bool {
		return strings.HasPrefix(p.Name, backend+"#") && p.GatheredAt.After(since)
	})
}

func stopTemporal(t *devserver.Server, log *slog.Logger) {
	ctx, cancel := within(5 * time.Second)
	defer cancel()
	if err := t.Stop(ctx); err != nil {
		log.Warn("temporal did not stop cleanly", "error", err)
	}
}

// lockState keeps a second clinkerd away from the same folder.
func lockState(state string) (unlock func(), err error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("--state-dir: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(state, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--state-dir: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("another clinkerd runs on %s; stop it, or choose another folder with --state-dir", state)
	}
	return func() { _ = file.Close() }, nil
}
