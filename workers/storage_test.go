package workers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

// sleepers are volumes that a reboot has left away until the driver is asked for them.
type sleepers struct {
	drivers.Driver
	asked []string
}

func (s *sleepers) Source(_ context.Context, v drivers.Volume) (drivers.Source, error) {
	s.asked = append(s.asked, v.Name)
	if v.ID == "lost" {
		return drivers.Source{}, drivers.ErrNotFound
	}
	return drivers.Source{}, nil
}

// rebooted is a target whose exports wait for their volumes.
type rebooted struct {
	targets.Target
	volumes  *sleepers
	exports  []targets.Exported
	err      error // of the list
	restored int
}

func (r *rebooted) Restore(context.Context) error {
	r.restored++
	var failed []error
	for i := range r.exports {
		e := &r.exports[i]
		if e.Recorded && !e.Live && (e.VolumeID == "lost" || !slices.Contains(r.volumes.asked, e.Name)) {
			failed = append(failed, fmt.Errorf("%w: %s", drivers.ErrNotFound, e.Name))
			continue
		}
		e.Live = true
	}
	return errors.Join(failed...)
}

func (r *rebooted) Exports(context.Context) iter.Seq2[targets.Exported, error] {
	return func(yield func(targets.Exported, error) bool) {
		for _, e := range r.exports {
			if !yield(e, nil) {
				return
			}
		}
		if r.err != nil {
			yield(targets.Exported{}, r.err)
		}
	}
}

func export(id string, recorded, live bool) targets.Exported {
	return targets.Exported{VolumeID: id, Name: "volume-" + id, Recorded: recorded, Live: live}
}

func TestExportsOfSleepingVolumes(t *testing.T) {
	d := &sleepers{}
	r := &rebooted{volumes: d, exports: []targets.Exported{export("a", true, false), export("b", true, true), export("stranger", false, false), export("lost", true, false)}}
	err := restoreExports(t.Context(), d, r)
	require.ErrorIs(t, err, drivers.ErrNotFound)
	require.EqualError(t, err, "not found: volume-lost")
	require.Equal(t, []string{"volume-a", "volume-lost"}, d.asked, "only what is missing, and ours")
	require.True(t, r.exports[0].Live)

	d.asked, r.restored = nil, 0
	r.exports = r.exports[:2]
	require.NoError(t, restoreExports(t.Context(), d, r))
	require.Empty(t, d.asked, "nothing is missing")
	require.Equal(t, 1, r.restored)

	r.exports, r.err = []targets.Exported{export("c", true, false)}, errors.New("no list")
	require.ErrorIs(t, restoreExports(t.Context(), d, r), r.err)
}
