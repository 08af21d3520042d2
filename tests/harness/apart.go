package harness

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clinker-storage/clinker/tests/pgtest"
)

// Cluster is Clinker in parts: two PostgreSQL servers, and each part a process of its own with the one configuration file.
type Cluster struct {
	Catalogue *pgtest.Server // the catalogue's PostgreSQL
	History   *pgtest.Server // Temporal's
	Temporal  *Process
	API       *Process
	Control   *Process
	Storage   *Process

	StateDir                      string
	APIAddr, TemporalAddr, UIAddr string
	ConfigFile                    string
}

// Apart starts a cluster; config is added to the section [DEFAULT] and may begin further ones.
func Apart(t testing.TB, config string) *Cluster {
	t.Helper()
	c := Head(t, "127.0.0.1", "host = node1\n"+config)
	c.Storage = c.Part(t, "worker", "storage")
	c.AwaitPools(t, 1)
	return c
}

// Head starts a cluster without storage workers. Temporal listens at the IP address by which their machines reach this one;
// the API and the databases stay on loopback.
func Head(t testing.TB, ip, config string) *Cluster {
	t.Helper()
	c := &Cluster{
		Catalogue: pgtest.New(t), History: pgtest.New(t), StateDir: filepath.Join(t.TempDir(), "state"),
		APIAddr: FreeAddr(t), TemporalAddr: FreeAddrAt(t, ip), UIAddr: FreeAddr(t), ConfigFile: filepath.Join(t.TempDir(), "clinker.conf"),
	}
	_, port, _ := net.SplitHostPort(c.APIAddr)
	text := fmt.Sprintf("[DEFAULT]\nstate_path = %s\nosapi_volume_listen_port = %s\n%s\n[database]\nconnection = %s\n[temporal]\naddress = %s\n",
		c.StateDir, port, config, c.Catalogue.Database(t), c.TemporalAddr)
	if err := os.WriteFile(c.ConfigFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// Where Temporal keeps its own state goes by the environment, so that no process list shows its password.
	postgres := "CLINKER_TEMPORAL_POSTGRES=" + temporalDSN(c.History.Database(t))
	c.mustCtl(t, []string{postgres}, "temporal", "schema")
	c.Temporal = c.part(t, []string{postgres}, nil, "temporal", "server", "--temporal-addr", c.TemporalAddr, "--ui-addr", c.UIAddr)
	c.Temporal.Ready = func() bool { return len(c.Temporal.Logged(t, "Temporal", "Web UI")) > 0 }
	c.Temporal.AwaitReady(t)
	c.Temporal.Ready = func() bool { return answers(c.TemporalAddr) && answers(c.UIAddr) } // of later starts
	c.mustCtl(t, nil, "temporal", "setup")
	c.mustCtl(t, nil, "db", "migrate")
	c.API = c.part(t, []string{noauth}, func() bool { return Healthy(c.APIAddr) }, "api")
	c.Control = c.part(t, nil, nil, "worker", "control")
	return c
}

// Part starts one more of clinkerd's roles with the cluster's configuration.
func (c *Cluster) Part(t testing.TB, args ...string) *Process {
	t.Helper()
	return c.part(t, nil, nil, args...)
}

// part starts one of clinkerd's roles.
func (c *Cluster) part(t testing.TB, env []string, ready func() bool, args ...string) *Process {
	t.Helper()
	return Launch(t, &Process{Name: "clinkerd " + strings.Join(args[:min(len(args), 2)], " "), Args: c.argv(t, args), Env: env, Ready: ready})
}

func (c *Cluster) argv(t testing.TB, args []string) []string {
	return append(append([]string{Binary(t, "clinkerd")}, args...), c.flags(args)...)
}

// flags are those that every role has but `temporal schema`, which has no use for the file.
func (c *Cluster) flags(args []string) []string {
	if args[0] == "temporal" && args[1] == "schema" {
		return nil
	}
	return []string{"--config-file", c.ConfigFile}
}

// Ctl runs clinkerd with this cluster's configuration.
func (c *Cluster) Ctl(t testing.TB, args ...string) (out string, code int) {
	t.Helper()
	return Run(t, nil, c.argv(t, args)...)
}

func (c *Cluster) mustCtl(t testing.TB, env []string, args ...string) {
	t.Helper()
	if out, code := Run(t, env, c.argv(t, args)...); code != 0 {
		t.Fatalf("clinkerd %v: exit code %d: %s", args, code, out)
	}
}

// CLI runs clinker against this cluster for a project.
func (c *Cluster) CLI(t testing.TB, project string, args ...string) (out string, code int) {
	t.Helper()
	return clinker(t, c.APIAddr, project, args)
}

// Client is a client of the cluster's API for a project.
func (c *Cluster) Client(project string) *Client {
	return NewClient("http://"+c.APIAddr+"/v3", project)
}

// VolumeDir is the folder of the backend.
func (c *Cluster) VolumeDir() string { return filepath.Join(c.StateDir, "volumes") }

// CheckConsistent is Server.CheckConsistent for a cluster.
func (c *Cluster) CheckConsistent(t testing.TB) {
	t.Helper()
	if out, code := c.Ctl(t, "db", "check"); code != 0 {
		t.Errorf("db check: %s", out)
	}
	CheckFiles(t, c.Client("harness"), ListFiles(t, c.VolumeDir()))
}

// AwaitPools waits until so many backends have told their first statistics: before that there is no place for a volume.
func (c *Cluster) AwaitPools(t testing.TB, n int) {
	t.Helper()
	api := c.Client("harness")
	Await(t, Patience, func() (bool, string) {
		var out struct{ Pools []Object }
		r, err := api.Do(t.Context(), "GET", "/scheduler-stats/get_pools?detail=true", nil)
		if err == nil && r.Status == 200 {
			r.Decode(t, &out)
		}
		return len(out.Pools) >= n, fmt.Sprintf("%d pools: there are %d; %d %v", n, len(out.Pools), r.Status, err)
	})
}

// answers tells whether somebody listens on an address.
func answers(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// temporalDSN is the URL without the options, which Temporal takes otherwise.
func temporalDSN(dsn string) string {
	dsn, _, _ = strings.Cut(dsn, "?")
	return dsn
}
