package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bare is a machine with the basic programs only, and stubs that write down what they are asked. It returns how to run
// the script on it, and what the stubs have written.
func bare(t *testing.T, has map[string]string) (run func() (string, error), asked func() string) {
	t.Helper()
	bin := t.TempDir()
	log := filepath.Join(t.TempDir(), "asked")
	for _, name := range []string{"id", "env", "ls", "true", "tee", "chmod", "rm"} {
		path, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(bin, name)))
	}
	for name, text := range has {
		script := "#!/bin/bash\n" + strings.ReplaceAll(text, "LOG", log) + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755))
	}
	run = func() (string, error) {
		cmd := exec.Command("/bin/bash", "../install.sh")
		cmd.Env = []string{"PATH=" + bin, "CLINKER_POLICY_RC_D=" + filepath.Join(bin, "policy-rc.d")}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	return run, func() string {
		text, err := os.ReadFile(log)
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		return string(text)
	}
}

// Packages ask policy-rc.d whether they may start their services. It says no, and only as long as they are installed.
func TestInstallStartsNoServices(t *testing.T) {
	run, asked := bare(t, map[string]string{
		"apt-get":     `policy=${0%/*}/policy-rc.d; $policy && exit 1; echo "$? ${0##*/} $*" >>LOG`,
		"pg_conftool": "", "sudo": `shift; exec "$@"`,
	})
	out, err := run()
	require.NoError(t, err, out)
	require.Contains(t, asked(), "101 apt-get -qq -o Dpkg::Use-Pty=0 install")
	_, err = run()
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(asked(), "127 apt-get -qq -o Dpkg::Use-Pty=0 update"), "the file goes, and is made anew")
}

const record = `echo "${0##*/} $*" >>LOG`

func TestInstallAsksForWhatIsMissing(t *testing.T) {
	run, asked := bare(t, map[string]string{
		"apt-get": record, "pg_conftool": record, "sudo": `shift; exec "$@"`, "cinder": "", "git": "",
	})
	out, err := run()
	require.NoError(t, err, out)
	require.Contains(t, out, "Installing: ")
	lines := strings.Split(strings.TrimSpace(asked()), "\n")
	require.Contains(t, lines[0], "apt-get -qq -o Dpkg::Use-Pty=0 update")
	last := lines[len(lines)-1]
	require.Contains(t, last, "install --yes --no-install-recommends")
	require.Contains(t, last, " python3-openstackclient")
	require.NotContains(t, last, "python3-cinderclient", "it is there")
	require.NotContains(t, last, " git", "it is there")
}

func TestInstallNamesWhatItMayNotInstall(t *testing.T) {
	run, asked := bare(t, map[string]string{"cinder": ""}) // no apt-get
	out, err := run()
	require.Error(t, err)
	require.Contains(t, out, "sudo apt-get install --no-install-recommends")
	require.Contains(t, out, "python3-openstackclient")
	require.Empty(t, asked())
}

func TestInstallDoesNothingWhereAllIsThere(t *testing.T) {
	cmd := exec.Command("/bin/bash", "../install.sh") // make test has run it
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Empty(t, string(out))
}
