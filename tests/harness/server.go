package harness

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// noauth lets everybody be administrator of the project that they name, in tests that are not about who may do what. What
// Options.Env says wins.
const noauth = "CLINKER_AUTH_STRATEGY=noauth"

// Options say how `clinkerd up` is started; the zero value takes all defaults.
type Options struct {
	Config string   // text of the configuration file, "" for none
	Args   []string // further flags
	Env    []string
	// StateDir is where the state goes in place of a folder of the test's.
	StateDir string
	// APIAddr is the API's address where somebody has to know it before; "" takes a free one.
	APIAddr string
	// Disk, where it is set, is mounted at the path of the default backend's volumes.
	Disk *Disk
}

// Server is a `clinkerd up`: everything in one process, state kept over Stop, Kill and Start.
type Server struct {
	*Process
	StateDir                      string
	APIAddr, TemporalAddr, UIAddr string
	Disk                          *Disk
	env                           []string
}

// Up starts a server and waits until it answers.
func Up(t testing.TB, o Options) *Server {
	t.Helper()
	state := o.StateDir
	if state == "" {
		state = filepath.Join(t.TempDir(), "state")
	}
	s := &Server{StateDir: state, APIAddr: FreeAddr(t), TemporalAddr: FreeAddr(t), UIAddr: FreeAddr(t), Disk: o.Disk, env: append([]string{noauth}, o.Env...)}
	if o.APIAddr != "" {
		s.APIAddr = o.APIAddr
	}
	args := []string{
		Binary(t, "clinkerd"), "up", "--state-dir", s.StateDir, "--api-addr", s.APIAddr,
		"--temporal-addr", s.TemporalAddr, "--ui-addr", s.UIAddr,
	}
	if o.Config != "" {
		path := filepath.Join(t.TempDir(), "clinker.conf")
		if err := os.WriteFile(path, []byte(o.Config), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config-file", path)
		s.env = append(s.env, "CLINKER_CONFIG_FILE="+path)
	}
	args = append(args, o.Args...)
	if o.Disk != nil {
		o.Disk.point = s.VolumeDir()
		args = o.Disk.wrap(t, args)
	}
	s.Process = Launch(t, &Process{
		Name: "clinkerd up", Args: args, Env: s.env, Private: o.Disk != nil, Ready: func() bool { return Healthy(s.APIAddr) },
	})
	return s
}

// API is a client of this server for a project; with noauth everybody is administrator.
func (s *Server) API(project string) *Client { return NewClient("http://"+s.APIAddr+"/v3", project) }

// VolumeDir is the folder of the default backend.
func (s *Server) VolumeDir() string { return filepath.Join(s.StateDir, "volumes") }

// Ctl runs clinkerd with this server's settings, for `db check` and the like.
func (s *Server) Ctl(t testing.TB, args ...string) (out string, code int) {
	t.Helper()
	env := append([]string{"CLINKER_STATE_PATH=" + s.StateDir, "CLINKER_TEMPORAL__ADDRESS=" + s.TemporalAddr}, s.env...)
	return Run(t, env, append([]string{Binary(t, "clinkerd")}, args...)...)
}

// CLI runs clinker against this server for a project.
func (s *Server) CLI(t testing.TB, project string, args ...string) (out string, code int) {
	t.Helper()
	return clinker(t, s.APIAddr, project, args)
}

// CheckConsistent fails the test where the quota ledger, the rows and the files on disk don't agree. Call it when no flow is open.
func (s *Server) CheckConsistent(t testing.TB) {
	t.Helper()
	out, code := s.Ctl(t, "db", "check")
	if code != 0 {
		t.Errorf("db check: %s", out)
	}
	CheckFiles(t, s.API("harness"), s.Files(t))
}

// Files lists the backend's folder as the server sees it.
func (s *Server) Files(t testing.TB) []File {
	t.Helper()
	dir := s.VolumeDir()
	if s.Disk != nil {
		dir = s.Inside(dir)
	}
	return ListFiles(t, dir)
}

func clinker(t testing.TB, apiAddr, project string, args []string) (string, int) {
	t.Helper()
	env := []string{"OS_AUTH_TYPE=noauth", "OS_ENDPOINT=http://" + apiAddr + "/v3", "OS_USER_ID=admin", "OS_PROJECT_ID=" + project}
	return Run(t, env, append([]string{Binary(t, "clinker")}, args...)...)
}

// Healthy asks /healthcheck.
func Healthy(apiAddr string) bool {
	c := http.Client{Timeout: 5 * time.Second}
	r, err := c.Get("http://" + apiAddr + "/healthcheck")
	if err != nil {
		return false
	}
	defer r.Body.Close()
	return r.StatusCode == http.StatusOK
}
