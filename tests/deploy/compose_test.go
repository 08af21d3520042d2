package deploy

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/clinker-storage/clinker/internal/config"
)

const root = "../.."

type compose struct {
	Services map[string]service
	Volumes  map[string]any
	Networks map[string]struct{ Internal bool }
}

type service struct {
	Image       string
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Networks    []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck *struct{ Test []string }
}

// ours are the services that run clinkerd.
func (c compose) ours() map[string]service {
	found := maps.Clone(c.Services)
	maps.DeleteFunc(found, func(_ string, s service) bool { return !strings.HasPrefix(s.Image, "clinker:") })
	return found
}

func read(t *testing.T) compose {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	require.NoError(t, err)
	var c compose
	require.NoError(t, yaml.Unmarshal(text, &c))
	require.NotEmpty(t, c.ours())
	return c
}

// The commands and their flags are tried on the binary, with the Temporal server left out: it has the same commands.
func TestComposeCommandsAreClinkerds(t *testing.T) {
	clinkerd := filepath.Join(t.TempDir(), "clinkerd")
	build := exec.Command("go", "build", "-tags", "noembed", "-o", clinkerd, "./cmd/clinkerd")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	for name, s := range read(t).ours() {
		t.Run(name, func(t *testing.T) {
			help, err := exec.Command(clinkerd, append(slices.Clone(s.Command), "--help")...).CombinedOutput()
			require.NoError(t, err, string(help))
			words := s.Command
			if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") }); i >= 0 {
				words = words[:i]
			}
			require.Contains(t, string(help), "Usage:\n  clinkerd "+strings.Join(words, " ")+" [flags]")
		})
	}
	bad, err := exec.Command(clinkerd, "api", "--no-such-flag", "--help").CombinedOutput()
	require.Error(t, err, "an unknown flag must not pass: %s", bad)
}

func TestComposeEnvironmentIsUnderstood(t *testing.T) {
	for name, s := range read(t).ours() {
		t.Run(name, func(t *testing.T) {
			var env []string
			for k, v := range s.Environment {
				env = append(env, k+"="+strings.ReplaceAll(v, "${CLINKER_DB_PASSWORD:?set it in .env}", "secret"))
			}
			cfg, err := config.Load("", env)
			require.NoError(t, err)
			if s.Environment["CLINKER_TEMPORAL__ADDRESS"] != "" {
				require.Equal(t, "temporal:7233", cfg.Temporal.Address)
			}
			if host := s.Environment["CLINKER_HOST"]; host != "" {
				require.Equal(t, host, cfg.Host)
			}
			if s.Environment["CLINKER_DATABASE__CONNECTION"] != "" {
				require.Equal(t, "postgresql://clinker:secret@postgres:5432/clinker", cfg.Database.URL.Reveal())
			}
		})
	}
}

func TestComposeHoldsTogether(t *testing.T) {
	c := read(t)
	for name, s := range c.Services {
		for _, n := range s.Networks {
			net, ok := c.Networks[n]
			require.True(t, ok, n)
			require.Equal(t, n == "catalogue", net.Internal, n)
		}
		require.True(t, len(s.Ports) == 0 || slices.Contains(s.Networks, "engine"), "%s: no port is published from a network that is internal", name)
		for _, key := range []string{"CLINKER_DATABASE__CONNECTION", "CLINKER_TEMPORAL_POSTGRES"} {
			require.True(t, s.Environment[key] == "" || slices.Contains(s.Networks, "catalogue"), "%s reaches its database", name)
		}
		require.True(t, s.Environment["CLINKER_TEMPORAL__ADDRESS"] == "" || slices.Contains(s.Networks, "engine"), "%s reaches Temporal", name)
		for other, on := range s.DependsOn {
			dep, ok := c.Services[other]
			require.True(t, ok, "%s depends on %s, which is not there", name, other)
			if on.Condition == "service_healthy" {
				require.NotNil(t, dep.Healthcheck, "%s waits for the health of %s, which has no check", name, other)
			}
		}
		for _, p := range s.Ports {
			require.True(t, strings.HasPrefix(p, "127.0.0.1:"), "%s publishes %s beyond loopback", name, p)
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			require.Contains(t, c.Volumes, from)
		}
		for key, value := range s.Environment {
			if strings.Contains(key, "PASSWORD") || strings.Contains(value, "clinker:") {
				require.Contains(t, value, "${CLINKER_DB_PASSWORD:?", "%s of %s has a password of its own", key, name)
			}
		}
	}
	for _, name := range []string{"storage", "data"} {
		require.Contains(t, c.Services, name)
		for key := range c.Services[name].Environment {
			require.NotContains(t, key, "DATABASE", "storage nodes have no database")
		}
		require.Equal(t, []string{"engine"}, c.Services[name].Networks, "storage nodes reach no database")
	}
	require.Equal(t, c.Services["storage"].Volumes, c.Services["data"].Volumes, "a data worker opens its node's volumes")
	require.Equal(t, c.Services["storage"].Environment["CLINKER_HOST"], c.Services["data"].Environment["CLINKER_HOST"])
}

// A compose file without a password must not start.
func TestComposeEnvExampleSetsNoPassword(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, ".env.example"))
	require.NoError(t, err)
	require.Contains(t, string(text), "\nCLINKER_DB_PASSWORD=\n")
}
