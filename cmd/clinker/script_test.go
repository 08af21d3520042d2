package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clinker-storage/clinker/internal/cli/clitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"clinker": func() { os.Exit(int(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))) },
	})
}

type serviceKey struct{}

// TestScripts runs each script against a service of its own. Beside clinker, scripts have the command
// "service max VERSION | fault KIND... | posts N | asked VERSION... | openrc".
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") != "",
		Setup: func(env *testscript.Env) error {
			s := clitest.New()
			env.Defer(s.Close)
			env.Values[serviceKey{}] = s
			env.Setenv("OS_AUTH_TYPE", "noauth")
			env.Setenv("OS_ENDPOINT", s.URL+"/v3")
			env.Setenv("OS_USER_ID", "admin")
			env.Setenv("OS_PROJECT_ID", clitest.Project)
			env.Setenv("SERVICE", s.URL)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"service": service, "exits": exits},
	})
}

func service(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(serviceKey{}).(*clitest.Server)
	if len(args) == 0 {
		ts.Fatalf("usage: service max|fault|posts|asked|openrc ...")
	}
	switch rest := args[1:]; args[0] {
	case "max":
		s.SetMax(rest[0])
	case "fault":
		s.Fault(rest...)
	case "posts":
		if got := strconv.Itoa(s.Posts()); got != rest[0] {
			ts.Fatalf("%s requests to create a volume have come, want %s", got, rest[0])
		}
	case "asked":
		if got := slices.Compact(s.Versions()); !slices.Equal(got, rest) {
			ts.Fatalf("versions asked for: %v, want %v", got, rest)
		}
	case "openrc":
		text := "# Written by clinkerd up\nexport OS_AUTH_TYPE=noauth\nexport OS_ENDPOINT='" + s.URL + "/v3'\nexport OS_PROJECT_ID=" + clitest.Project + "\n"
		ts.Check(os.MkdirAll(ts.MkAbs(".clinker"), 0o700))
		ts.Check(os.WriteFile(ts.MkAbs(".clinker/openrc"), []byte(text), 0o600))
	default:
		ts.Fatalf("service: unknown command %q", args[0])
	}
}

// exits runs a command that must end with a code: exits CODE COMMAND ARGS...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}
