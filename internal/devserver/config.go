//go:build !noembed

package devserver

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"go.temporal.io/server/common/auth"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

// clusterName is written into the database; it must never change.
const clusterName = "active"

// layout is where the four services of one server listen.
type layout struct {
	frontend                  string // host:port
	history, matching, worker int    // loopback ports
	internal                  int    // loopback port of the frontend of Temporal's own parts; 0 where there is nobody to tell apart
}

func (l layout) hosts() map[primitives.ServiceName]static.Hosts {
	local := func(port int) static.Hosts {
		return static.SingleLocalHost(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	hosts := map[primitives.ServiceName]static.Hosts{
		primitives.FrontendService: static.SingleLocalHost(dialable(l.frontend)),
		primitives.HistoryService:  local(l.history),
		primitives.MatchingService: local(l.matching),
		primitives.WorkerService:   local(l.worker),
	}
	if l.internal != 0 {
		hosts[primitives.InternalFrontendService] = local(l.internal)
	}
	return hosts
}

// names are the services that run.
func (l layout) names() []string {
	if l.internal == 0 {
		return temporal.DefaultServices
	}
	return append([]string{string(primitives.InternalFrontendService)}, temporal.DefaultServices...)
}

// trusted is where Temporal's own parts, and this process, are let in without saying who they are.
func (l layout) trusted() string {
	if l.internal == 0 {
		return dialable(l.frontend)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l.internal))
}

func (l layout) services() map[string]config.Service {
	local := func(port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: "127.0.0.1"}}
	}
	host, port := splitAddr(l.frontend)
	services := map[string]config.Service{
		string(primitives.FrontendService): {RPC: config.RPC{GRPCPort: port, BindOnIP: host}},
		string(primitives.HistoryService):  local(l.history),
		string(primitives.MatchingService): local(l.matching),
		string(primitives.WorkerService):   local(l.worker),
	}
	if l.internal != 0 {
		services[string(primitives.InternalFrontendService)] = local(l.internal)
	}
	return services
}

func serverConfig(o Options, l layout) *config.Config {
	frontend, public := l.trusted(), config.PublicClient{HostPort: dialable(l.frontend)}
	if l.internal != 0 {
		public = config.PublicClient{} // the server finds the internal frontend by itself
	}
	off := config.ArchivalNamespaceDefaults{
		History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
		Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
	}
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: "127.0.0.1"},
			TLS:        o.TLS.root(),
		},
		Persistence: persistence(o),
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            l.services(),
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		PublicClient:      public,
		NamespaceDefaults: config.NamespaceDefaults{Archival: off},
	}
}

// root is the server's TLS; its parts speak to each other on loopback, without.
func (t *ServerTLS) root() config.RootTLS {
	if t == nil {
		return config.RootTLS{}
	}
	server := config.ServerTLS{CertFile: t.CertFile, KeyFile: t.KeyFile}
	if t.ClientCAFile != "" {
		server.ClientCAFiles, server.RequireClientAuth = []string{t.ClientCAFile}, true
	}
	return config.RootTLS{Frontend: config.GroupTLS{Server: server}}
}

func persistence(o Options) config.Persistence {
	main, visibility := sqliteConfig(databaseFile(o.StateDir)), sqliteConfig(visibilityFile(o.StateDir))
	if o.Postgres != nil {
		main, visibility = postgresConfig(*o.Postgres, o.Postgres.Database), postgresConfig(*o.Postgres, o.Postgres.VisibilityDatabase)
	}
	return config.Persistence{
		DefaultStore:     "main",
		VisibilityStore:  "visibility",
		NumHistoryShards: 1,
		DataStores:       map[string]config.DataStore{"main": {SQL: main}, "visibility": {SQL: visibility}},
	}
}

func sqliteConfig(path string) *config.SQL {
	return &config.SQL{PluginName: pluginName, DatabaseName: path}
}

func postgresConfig(p PostgresOptions, database string) *config.SQL {
	c := &config.SQL{
		PluginName:      postgresql.PluginNamePGX,
		ConnectAddr:     net.JoinHostPort(p.Host, fmt.Sprint(p.Port)),
		ConnectProtocol: "tcp",
		DatabaseName:    database,
		User:            p.User,
		Password:        p.Password,
		MaxConns:        p.MaxConns,
		MaxIdleConns:    p.MaxConns,
		MaxConnLifetime: time.Hour,
	}
	if p.TLS != nil {
		c.TLS = &auth.TLS{
			Enabled: true, CaFile: p.TLS.CAFile, CertFile: p.TLS.CertFile, KeyFile: p.TLS.KeyFile,
			ServerName: p.TLS.ServerName, EnableHostVerification: !p.TLS.SkipVerify,
		}
	}
	return c
}
