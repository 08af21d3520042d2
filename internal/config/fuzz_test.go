package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var whereForm = regexp.MustCompile(`^(f:[0-9]+|f)$`)

// Whatever the file holds, Parse answers with a usable Config or with problems
// that say where.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.conf")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(raw))
	}
	f.Add("[DEFAULT]\nhost=$my_ip$my_ip\nmy_ip=${host}")
	f.Add("[DEFAULT]\nenabled_backends=a,A,,b c\n[a]\n[A]\n \n x\n[]\n]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(strings.NewReader(text), "f")
		if err == nil {
			usable(t, c)
			return
		}
		var problems Problems
		if c != nil || !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("config %v, error %v", c, err)
		}
		for _, p := range problems {
			if !whereForm.MatchString(p.Where) || p.Text == "" {
				t.Fatalf("problem does not say where or what: %#v", p)
			}
		}
	})
}

func usable(t *testing.T, c *Config) {
	if c.Database.Engine == "" || c.API.ProjectID == nil || c.Service.DownTime <= c.Service.ReportInterval {
		t.Fatalf("not usable: %v", c)
	}
	for _, b := range c.Backends {
		if b.Driver == "" || b.Name == "" || b.MaxOverSubscription.Ratio < 1 || b.StatsInterval <= 0 {
			t.Fatalf("back end not usable: %v", b)
		}
	}
}
