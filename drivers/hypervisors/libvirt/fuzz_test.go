package libvirt

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
)

// Whatever a domain's description says, a disk that was read from it is the same one when it is given back.
func FuzzDisks(f *testing.F) {
	for _, text := range []string{
		`<domain><devices><disk type='block' device='disk'><driver name='qemu' type='raw' discard='unmap'/><source dev='/dev/sda' index='1'/><target dev='vdb' bus='virtio'/>` +
			`<serial>v</serial><alias name='ua-clinker-v'/><address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/></disk></devices></domain>`,
		`<domain><devices><disk type='network'><source protocol='iscsi' name='iqn/1'><host name='h' port='1'/><initiator><iqn name='i'/></initiator><auth username='u'><secret type='iscsi' uuid='v'/></auth></source></disk></devices></domain>`,
		`<domain><devices><disk/><disk><readonly/></disk></devices></domain>`, `<a>`, ``, `<domain><devices><disk><address a:b='c' xmlns='x'/></disk></devices></domain>`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		disks, err := readDisks(text)
		if err != nil {
			require.ErrorIs(t, err, drivers.ErrUnavailable)
			return
		}
		taken := map[string]bool{}
		for _, d := range disks {
			taken[d.Target.Dev] = true
			words, err := d.whole()
			require.NoError(t, err)
			again, err := readDisks("<domain><devices>" + words + "</devices></domain>")
			require.NoError(t, err, words)
			require.Len(t, again, 1)
			require.Equal(t, d.Alias, again[0].Alias)
			require.Equal(t, d.Source, again[0].Source)
		}
		require.False(t, taken[freeName(taken)])
	})
}
