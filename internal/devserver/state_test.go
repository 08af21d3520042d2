//go:build !noembed

package devserver

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/headers"

	"github.com/clinker-storage/clinker/tests/pgtest"
)

// serveEnv makes the test binary a server on that state folder.
const serveEnv = "CLINKER_TEST_DEVSERVER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveEnv); dir != "" {
		serve(dir)
	}
	os.Exit(pgtest.Main(m))
}

// serve starts a flow, says where, and waits to be killed.
func serve(dir string) {
	ctx := context.Background()
	s, err := Start(ctx, Options{StateDir: dir, FrontendAddr: "127.0.0.1:0", Namespaces: []Namespace{{Name: testNamespace}}})
	if err == nil {
		var c client.Client
		if c, err = client.Dial(client.Options{HostPort: s.Addr(), Namespace: testNamespace, Logger: quiet{}}); err == nil {
			_, err = c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "flow", TaskQueue: controlQueue}, waiting)
		}
	}
	fmt.Println("started", err)
	select {}
}

// TestKill sees what was answered survive a kill of the whole process, and
// that two processes can't share a state folder.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "started <nil>\n", line)

	_, err = Start(t.Context(), testOptions(t, dir))
	var state *StateError
	require.ErrorAs(t, err, &state)
	require.ErrorContains(t, err, "in use by another clinkerd")

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	c := dial(t, start(t, testOptions(t, dir)).Addr())
	w := waitingWorker(t, c)
	defer w.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	require.NoError(t, c.SignalWorkflow(ctx, "flow", "", "go", "on"))
	require.NoError(t, c.GetWorkflow(ctx, "flow", "").Get(ctx, nil))
}

func TestStateThatCannotBeUsed(t *testing.T) {
	// made gives a folder with files of ours.
	made := func(t *testing.T) string {
		dir := t.TempDir()
		require.NoError(t, prepareFiles(t.Context(), dir))
		return dir
	}
	exec := func(t *testing.T, path, stmt string) {
		db, err := sql.Open("sqlite", fileURI(path))
		require.NoError(t, err)
		defer db.Close()
		_, err = db.Exec(stmt)
		require.NoError(t, err)
	}
	for _, c := range []struct {
		name  string
		state func(t *testing.T) (dir string)
		want  []string
	}{
		{"of an older server", func(t *testing.T) string {
			dir := made(t)
			exec(t, databaseFile(dir), `UPDATE clinker_state SET server = '1.29.3'`)
			return dir
		}, []string{"made by Temporal 1.29.3", "embeds " + headers.ServerVersion, "move it"}},
		{"of another schema", func(t *testing.T) string {
			dir := made(t)
			exec(t, visibilityFile(dir), `UPDATE clinker_state SET schema = 'other'`)
			return dir
		}, []string{"temporal-visibility.db", "can't take it over"}},
		{"of another program", func(t *testing.T) string {
			dir := t.TempDir()
			exec(t, databaseFile(dir), `CREATE TABLE books (title TEXT)`)
			return dir
		}, []string{"not a file that clinkerd made"}},
		{"damaged", func(t *testing.T) string {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(databaseFile(dir), []byte(strings.Repeat("no database ", 1000)), 0o600))
			return dir
		}, []string{"is damaged", "put a copy back"}},
		{"a folder", func(t *testing.T) string {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(databaseFile(dir), 0o700))
			return dir
		}, []string{"can't be written"}},
		{"under a file", func(t *testing.T) string {
			file := filepath.Join(t.TempDir(), "file")
			require.NoError(t, os.WriteFile(file, nil, 0o600))
			return filepath.Join(file, "state")
		}, []string{"has no folder", "choose another state folder"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Start(t.Context(), testOptions(t, c.state(t)))
			var state *StateError
			require.ErrorAs(t, err, &state)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, strings.ToLower(state.Error()), "sql logic")
		})
	}
}

func TestPrepareFilesAgain(t *testing.T) {
	// A path in which a URI would see more than a path.
	dir := filepath.Join(t.TempDir(), "a b%20?x=1#y")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, prepareFiles(t.Context(), dir))
	require.NoError(t, prepareFiles(t.Context(), dir))
	require.FileExists(t, databaseFile(dir))
	info, err := os.Stat(databaseFile(dir))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestCompatible(t *testing.T) {
	var ours int
	_, err := fmt.Sscanf(headers.ServerVersion, "1.%d.", &ours)
	require.NoError(t, err)
	for _, c := range []struct {
		server     string
		sameSchema bool
		ok         bool
	}{
		{headers.ServerVersion, true, true},
		{fmt.Sprintf("1.%d.99", ours), true, true},
		{fmt.Sprintf("1.%d.0", ours-1), true, true},
		{fmt.Sprintf("1.%d.0", ours-1), false, false},
		{fmt.Sprintf("1.%d.0", ours-2), true, false},
		{fmt.Sprintf("1.%d.0", ours+1), true, false},
		{headers.ServerVersion, false, false},
		{"", true, false},
	} {
		err := compatible("f", c.server, c.sameSchema)
		require.Equal(t, c.ok, err == nil, "%+v: %v", c, err)
	}
}
