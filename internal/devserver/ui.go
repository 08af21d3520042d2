//go:build !noembed

package devserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
)

// ui is the Web UI, listening.
type ui struct {
	server *uiserver.Server
	url    string
	done   chan error // how it ended, then closed
}

func startUI(ctx context.Context, addr, frontend, namespace string) (*ui, error) {
	host, port := splitAddr(addr)
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		host = "[" + host + "]" // it puts host and port together with a plain colon
	}
	u := &ui{
		server: uiserver.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
			TemporalGRPCAddress: dialable(frontend),
			Host:                host,
			Port:                port,
			EnableUI:            true,
			DefaultNamespace:    namespace,
			HideLogs:            true,
			// It would ask a server on the internet.
			DisableNewsFetch:   true,
			NotifyOnNewVersion: false,
			// Plain http: a cookie marked secure would never come back, and
			// every action would fail for want of its CSRF token.
			CORS: uiconfig.CORS{CookieInsecure: true},
		})),
		url:  "http://" + dialable(addr),
		done: make(chan error, 1),
	}
	go func() {
		u.done <- u.server.Start()
		close(u.done)
	}()
	if err := u.wait(ctx); err != nil {
		u.stop()
		return nil, fmt.Errorf("temporal Web UI on %s: %w", addr, err)
	}
	return u, nil
}

// wait returns when the UI answers.
func (u *ui) wait(ctx context.Context) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url+"/healthz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-u.done:
			return fmt.Errorf("ended: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (u *ui) stop() {
	u.server.Stop()
	for range u.done { // until it has ended; how no longer matters
	}
}
