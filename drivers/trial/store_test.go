package trial_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/mem"
	"github.com/clinker-storage/clinker/drivers/backups/posix"
	"github.com/clinker-storage/clinker/drivers/trial"
)

func TestGoodStore(t *testing.T) {
	path := t.TempDir()
	var told []trial.Step
	r := trial.RunStore(t.Context(), posix.New(path), trial.StoreOptions{Bytes: 10 << 20, Done: func(s trial.Step) { told = append(told, s) }})
	require.True(t, r.OK(), "%+v", r)
	require.Equal(t, r.Steps, told)
	require.Equal(t, map[string]trial.State{
		"reach it, with all rights": trial.OK, "write": trial.OK, "list": trial.OK, "read and compare": trial.OK, "delete everything": trial.OK,
	}, states(r))
	require.Equal(t, path, r.Steps[0].Detail)
	require.Contains(t, r.Steps[1].Detail, "16 MiB")
	require.Contains(t, r.Steps[1].Detail, "MiB/s")
	left, err := os.ReadDir(path)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestStoreThatIsNotThere(t *testing.T) {
	r := trial.RunStore(t.Context(), posix.New("/nonexistent/folder"), trial.StoreOptions{})
	require.False(t, r.OK())
	require.Len(t, r.Steps, 1)
	require.Equal(t, trial.Failed, r.Steps[0].State)
	require.NotEmpty(t, r.Steps[0].Hint)
}

// Whatever fails, and an interruption, what was stored is taken away.
func TestStoreThatFails(t *testing.T) {
	for op, failed := range map[string]string{"put": "write", "list": "list", "get": "read and compare"} {
		t.Run(op, func(t *testing.T) {
			s := mem.New()
			calls := 0
			s.Fault = func(did, key string) error {
				if !strings.EqualFold(did, op) || !strings.HasPrefix(key, "check-") || !strings.HasSuffix(key, "/") && !strings.Contains(key, "/0001") {
					return nil
				}
				if calls++; calls > 1 { // the list of what is left must work
					return nil
				}
				return fmt.Errorf("%w: %s", drivers.ErrNoSpace, did)
			}
			r := trial.RunStore(t.Context(), s, trial.StoreOptions{Bytes: 16 << 20})
			require.Equal(t, trial.Failed, states(r)[failed], "%+v", r)
			require.Equal(t, trial.OK, states(r)["delete everything"], "%+v", r)
			for o, err := range s.List(t.Context(), "") {
				require.NoError(t, err)
				require.Fail(t, o.Key)
			}
		})
	}
}

// changer answers with another byte.
type changer struct{ backups.Store }

func (c changer) Get(ctx context.Context, key string, p []byte, off int64) (int, error) {
	n, err := c.Store.Get(ctx, key, p, off)
	if n > 100 {
		p[99] ^= 1
	}
	return n, err
}

func TestStoreThatChangesBytes(t *testing.T) {
	r := trial.RunStore(t.Context(), changer{mem.New()}, trial.StoreOptions{Bytes: 1})
	require.Equal(t, trial.Failed, states(r)["read and compare"])
	require.Equal(t, trial.OK, states(r)["delete everything"])
}

func TestStoreInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := mem.New()
	r := trial.RunStore(ctx, s, trial.StoreOptions{Bytes: 16 << 20, Done: func(s trial.Step) {
		if s.Name == "write" {
			cancel()
		}
	}})
	require.False(t, r.OK())
	require.Equal(t, trial.OK, states(r)["delete everything"])
}
