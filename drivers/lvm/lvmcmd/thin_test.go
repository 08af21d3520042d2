package lvmcmd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/lvm/lvmcmd"
	"github.com/clinker-storage/clinker/internal/execx/execxtest"
)

func TestDelta(t *testing.T) {
	g, run := located(t)
	run.On("thin_delta", execxtest.Answer{Stdout: fixture(t, "thin_delta-0.9.0.xml")})
	got, err := g.Delta(t.Context(), "cinder-volumes-pool", 6, 7)
	require.NoError(t, err)
	const block = 64 << 10
	require.Equal(t, []lvmcmd.Range{
		{Offset: 0, Length: 16 * block}, // only in the first: discarded since
		{Offset: 48 * block, Length: 32 * block},
		{Offset: 1000 * block, Length: block},
	}, got)
	require.Equal(t, []string{"thin_delta -m --snap1 6 --snap2 7 /dev/mapper/cinder--volumes-cinder--volumes--pool_tmeta"}, run.Lines())
}

// What a volume has in common with itself is what it has blocks for; runs that lie side by side are one.
func TestMapped(t *testing.T) {
	g, run := located(t)
	run.On("thin_delta", execxtest.Answer{Stdout: fixture(t, "thin_delta-0.9.0.xml")})
	got, err := g.Mapped(t.Context(), "cinder-volumes-pool", 6)
	require.NoError(t, err)
	const block = 64 << 10
	require.Equal(t, []lvmcmd.Range{{Offset: 16 * block, Length: 32 * block}, {Offset: 80 * block, Length: 48 * block}}, got)
	require.Equal(t, []string{"thin_delta -m --snap1 6 --snap2 6 /dev/mapper/cinder--volumes-cinder--volumes--pool_tmeta"}, run.Lines())
}

func TestDeltaThatCantBeRead(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "cut off": "<superblock data_block_size=\"128\"><diff>", "no difference": `<superblock data_block_size="128"></superblock>`,
		"no block size": `<superblock><diff></diff></superblock>`, "unknown": `<superblock data_block_size="128"><diff><odd begin="1" length="2"/></diff></superblock>`,
	} {
		t.Run(name, func(t *testing.T) {
			g, run := located(t)
			run.On("thin_delta", execxtest.Answer{Stdout: text})
			_, err := g.Delta(t.Context(), "p", 1, 2)
			require.ErrorIs(t, err, drivers.ErrUnavailable)
		})
	}
}

func TestMetadataSnapshot(t *testing.T) {
	const head = "0 1024000 thin-pool 7 220/2048 161/8000 "
	for _, test := range []struct {
		name   string
		answer execxtest.Answer
		held   bool
		fails  bool
	}{
		{"free", execxtest.Answer{Stdout: head + "- rw no_discard_passdown queue_if_no_space - 512\n"}, false, false},
		{"held", execxtest.Answer{Stdout: head + "64 rw no_discard_passdown queue_if_no_space - 512\n"}, true, false},
		{"no volume yet", execxtest.Answer{Exit: 1, Stderr: "Device does not exist.\nCommand failed.\n"}, false, false},
		{"failed", execxtest.Answer{Stdout: "0 1024000 thin-pool Fail\n"}, false, true},
		{"no dmsetup", execxtest.Answer{Exit: 1, Stderr: "Permission denied"}, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, run := located(t)
			run.On("dmsetup status cinder--volumes-p-tpool", test.answer)
			held, err := g.MetadataHeld(t.Context(), "p")
			require.Equal(t, test.held, held)
			if test.fails {
				require.ErrorIs(t, err, drivers.ErrUnavailable)
			} else {
				require.NoError(t, err)
			}
		})
	}
	g, run := located(t)
	run.On("dmsetup message cinder--volumes-p-tpool 0 reserve_metadata_snap", execxtest.Answer{
		Exit: 1, Stderr: "device-mapper: message ioctl on cinder--volumes-p-tpool  failed: Device or resource busy\nCommand failed.\n",
	}).On("dmsetup message cinder--volumes-p-tpool 0 release_metadata_snap")
	require.ErrorIs(t, g.HoldMetadata(t.Context(), "p"), drivers.ErrBusy)
	require.NoError(t, g.ReleaseMetadata(t.Context(), "p"))
}
