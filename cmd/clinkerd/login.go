package main

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/clinker-storage/clinker/drivers/connectors"
	"github.com/clinker-storage/clinker/drivers/connectors/iscsi"
	"github.com/clinker-storage/clinker/drivers/trial"
	"github.com/clinker-storage/clinker/internal/config"
	"github.com/clinker-storage/clinker/models"
)

// thisHost is this machine as one that logs in to what it exports itself. Where it has no initiator, Login is nil, and the trial leaves that step out.
func thisHost(ctx context.Context, cfg *config.Config, log *slog.Logger) (models.Connector, trial.Login, error) {
	c, err := iscsi.New(iscsi.Options{
		Machine: connectors.Machine(cfg.Host, ""), StateDir: filepath.Join(cfg.StatePath, "connectors"), Logger: log,
		SinglePath: true, // one session shows whether the export works
	})
	if err != nil {
		return models.Connector{}, nil, err
	}
	p, err := c.Properties(ctx)
	if err != nil {
		return models.Connector{}, nil, err
	}
	if client := p.Client(iscsi.Protocol); !client.Ready {
		log.Info("exports are not tried out", "reason", client.Reason, "hint", client.Hint)
		return models.Connector{}, nil, nil
	}
	return p.Connector, func(ctx context.Context, info models.ConnectionInfo) (string, func(context.Context) error, error) {
		d, err := c.Connect(ctx, info)
		if err != nil {
			return "", nil, err
		}
		return d.Path, func(ctx context.Context) error { return c.Disconnect(ctx, info, false) }, nil
	}, nil
}
