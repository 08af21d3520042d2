package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/config"
)

func TestPolicyFiles(t *testing.T) {
	file, dirs := policyFiles(&config.Config{API: config.API{PolicyFile: "policy.yaml", PolicyDirs: []string{"policy.d", "/srv/policy"}}})
	require.Empty(t, file, "nothing is taken from the current folder")
	require.Equal(t, []string{"/srv/policy"}, dirs)
	file, dirs = policyFiles(&config.Config{File: "/etc/cinder/cinder.conf", API: config.API{PolicyFile: "policy.yaml", PolicyDirs: []string{"policy.d"}}})
	require.Equal(t, "/etc/cinder/policy.yaml", file)
	require.Equal(t, []string{"/etc/cinder/policy.d"}, dirs)
}

func TestPolicyCheckAndList(t *testing.T) {
	dir := t.TempDir()
	rules, conf := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "cinder.conf")
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		c := policyCommand()
		c.SetOut(&out)
		c.SetErr(&out)
		c.SilenceUsage = true
		c.SetArgs(args)
		err := c.Execute()
		return out.String(), err
	}
	require.NoError(t, os.WriteFile(conf, nil, 0o600))
	require.NoError(t, os.WriteFile(rules, []byte("volume:get: '!'\n"), 0o600))
	out, err := run("check", rules)
	require.NoError(t, err, out)
	out, err = run("list", "--config-file", conf)
	require.NoError(t, err, out)
	require.Regexp(t, `(?m)^volume:get +! +`+rules+`:1$`, out)
	require.Regexp(t, `(?m)^volume:delete +rule:xena_system_admin_or_project_member +default$`, out)

	require.NoError(t, os.WriteFile(rules, []byte("volume:gte: '!'\n"), 0o600))
	out, err = run("check", rules)
	require.ErrorContains(t, err, "1 things are wrong")
	require.Contains(t, out, rules+`:1: there is no operation "volume:gte"`)
}
