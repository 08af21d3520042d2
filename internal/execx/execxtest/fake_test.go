package execxtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/execx"
	"github.com/clinker-storage/clinker/internal/execx/execxtest"
)

func TestAnswersInTurnByTheLongestMatch(t *testing.T) {
	r := execxtest.New(t).
		On("lvs", execxtest.Answer{Stdout: "1"}, execxtest.Answer{Stdout: "2"}).
		On("lvs --all", execxtest.Answer{Stdout: "all"}).
		On("sync")
	for _, want := range []string{"1", "2", "2"} {
		result, err := r.Run(t.Context(), execx.Command{Name: "lvs", Args: []string{"vg"}})
		require.NoError(t, err)
		require.Equal(t, want, string(result.Stdout))
	}
	result, err := r.Run(t.Context(), execx.Command{Name: "lvs", Args: []string{"--all", "vg"}})
	require.NoError(t, err)
	require.Equal(t, "all", string(result.Stdout))
	_, err = r.Run(t.Context(), execx.Command{Name: "sync"})
	require.NoError(t, err)
	require.Equal(t, []string{"lvs vg", "lvs vg", "lvs vg", "lvs --all vg", "sync"}, r.Lines())
	r.Forget()
	require.Empty(t, r.Lines())
}

func TestAnswersBadly(t *testing.T) {
	broken := errors.New("broken")
	r := execxtest.New(t).
		On("lvcreate", execxtest.Answer{Exit: 5, Stderr: "  no room\n"}).
		On("dd", execxtest.Answer{Err: broken})
	_, err := r.Run(t.Context(), execx.Command{Name: "lvcreate"})
	require.EqualError(t, err, "lvcreate: exit code 5: no room")
	require.Equal(t, 5, execx.ExitCode(err))
	_, err = r.Run(t.Context(), execx.Command{Name: "dd"})
	require.ErrorIs(t, err, broken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Run(ctx, execx.Command{Name: "lvcreate"})
	require.ErrorIs(t, err, context.Canceled)
}

func TestHandlerSeesTheInput(t *testing.T) {
	r := execxtest.New(t).OnFunc("tool", func(c execxtest.Call) execxtest.Answer {
		return execxtest.Answer{Stdout: c.Input + c.Dir}
	})
	var out strings.Builder
	result, err := r.Run(t.Context(), execx.Command{Name: "tool", Stdin: strings.NewReader("word "), Dir: "/mnt", Stdout: &out})
	require.NoError(t, err)
	require.Equal(t, "word /mnt", out.String())
	require.Empty(t, result.Stdout)
}

// stranger writes down that the test would have failed.
type stranger struct {
	testing.TB
	said string
}

func (s *stranger) Error(args ...any) { s.said = fmt.Sprint(args...) }

func TestUnknownCommandFailsTheTest(t *testing.T) {
	s := &stranger{TB: t}
	_, err := execxtest.New(s).Run(t.Context(), execx.Command{Name: "rm", Args: []string{"-rf", "/"}})
	require.Error(t, err)
	require.Equal(t, "nobody told what rm -rf / answers", s.said)
}
