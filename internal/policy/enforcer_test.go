package policy

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// later makes a file's time another, whatever the clock's grain.
func later(t *testing.T, file string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(by)
	require.NoError(t, os.Chtimes(file, at, at))
}

func TestReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	e, err := NewEnforcer(file)
	require.NoError(t, err)
	ask := func() bool { return e.Allowed(with("reader"), "volume:get", Target{ProjectID: home}) }
	require.True(t, ask(), "no file: the defaults")

	write(t, file, "volume:get: '!'")
	changed, err := e.Reload()
	require.NoError(t, err)
	require.True(t, changed)
	require.False(t, ask())
	changed, err = e.Reload()
	require.NoError(t, err)
	require.False(t, changed, "nothing new")

	write(t, file, "volume:get: rule:oops")
	later(t, file, time.Minute)
	_, err = e.Reload()
	require.ErrorContains(t, err, "rule:oops")
	require.False(t, ask(), "the last good rules hold")

	require.NoError(t, os.Remove(file))
	_, err = e.Reload()
	require.ErrorContains(t, err, "is gone")
	require.False(t, ask(), "stricter rules don't end with a rename")

	write(t, file, "volume:get: '@'")
	later(t, file, 2*time.Minute)
	changed, err = e.Reload()
	require.NoError(t, err)
	require.True(t, changed)
	require.True(t, ask())
	require.False(t, e.Admin(with("reader")))
	text, _ := e.Rules().Text("volume:get")
	require.Equal(t, "@", text)
}

func TestABadFileStopsTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	write(t, file, "volume:get: rule:oops")
	_, err := NewEnforcer(file)
	require.ErrorContains(t, err, file+":1: ")
}

func TestWatch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	write(t, file, "volume:get: '@'")
	e, err := NewEnforcer(file)
	require.NoError(t, err)

	ctx, stop := context.WithCancel(t.Context())
	wake, heard := make(chan os.Signal), make(chan error)
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Watch(ctx, time.Hour, wake, func(err error) { heard <- err })
	}()
	write(t, file, "volume:get: '!'")
	later(t, file, time.Minute)
	wake <- syscall.SIGHUP
	require.NoError(t, <-heard)
	require.False(t, e.Allowed(with("admin"), "volume:get", Target{}))

	write(t, file, "nonsense: ''")
	later(t, file, 2*time.Minute)
	wake <- syscall.SIGHUP
	require.ErrorContains(t, <-heard, "nonsense")
	stop()
	<-done
}

// Askers and a reload don't disturb each other.
func TestConcurrentUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	write(t, file, "volume:get: '@'")
	e, err := NewEnforcer(file)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				if !e.Allowed(Creds{}, "volume:get", Target{}) {
					t.Error("refused")
				}
			}
		})
	}
	for i := range 10 {
		later(t, file, time.Duration(i+1)*time.Minute)
		_, err := e.Reload()
		require.NoError(t, err)
	}
	wg.Wait()
}
