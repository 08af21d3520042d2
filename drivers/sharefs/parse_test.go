package sharefs_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/sharefs"
	"github.com/clinker-storage/clinker/internal/execx"
)

func TestParseShares(t *testing.T) {
	for _, test := range []struct {
		name      string
		text      string
		bracketed bool
		want      []sharefs.Share
		err       string // part of it
	}{
		{name: "the tutorial", text: "192.168.19.101:/vol1\n192.168.19.102:/vol1\n", want: []sharefs.Share{{Address: "192.168.19.101:/vol1"}, {Address: "192.168.19.102:/vol1"}}},
		{name: "nothing", text: "\n  \n# none\n"},
		{
			name: "options and comments", text: "# first\n  a:/v -o backup-volfile-servers=b:c,log-level=WARNING # second\n\ta:/w\t-o  ro -o x=1\r\n",
			want: []sharefs.Share{{Address: "a:/v", Options: "backup-volfile-servers=b:c,log-level=WARNING"}, {Address: "a:/w", Options: "ro,x=1"}},
		},
		{name: "a folder", text: "a:/v/b/c", want: []sharefs.Share{{Address: "a:/v/b/c"}}},
		{name: "IPv6 for gluster", text: "fe80::1:/v", want: []sharefs.Share{{Address: "fe80::1:/v"}}},
		{name: "IPv6 for NFS", text: "[fe80::1]:/v", bracketed: true, want: []sharefs.Share{{Address: "[fe80::1]:/v"}}},
		{name: "brackets for gluster", text: "[fe80::1]:/v", err: "without brackets"},
		{name: "no brackets for NFS", text: "fe80::1:/v", bracketed: true, err: "brackets"},
		{name: "one bad line", text: "a:/v\nb\nc:/w", want: []sharefs.Share{{Address: "a:/v"}, {Address: "c:/w"}}, err: "line 2"},
		{name: "twice", text: "a:/v\na:/v -o ro", want: []sharefs.Share{{Address: "a:/v"}}, err: "there already"},
		{name: "no host", text: ":/v", err: "line 1"},
		{name: "no path", text: "a:/", err: "line 1"},
		{name: "relative", text: "a:v", err: "line 1"},
		{name: "upwards", text: "a:/v/../w", err: `".."`},
		{name: "an option as host", text: "-oexec=x:/v", err: "line 1"},
		{name: "words after", text: "a:/v rw", err: "after the share"},
		{name: "no options after -o", text: "a:/v -o", err: "after the share"},
		{name: "an option for mount", text: "a:/v -o --bind", err: "mount options"},
		{name: "a control character", text: "a:/v\x01", err: "line 1"},
		{name: "a backslash", text: `a:/v\040x`, err: "line 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := sharefs.ParseShares(strings.NewReader(test.text), "shares.conf", test.bracketed)
			require.Equal(t, test.want, got)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, drivers.ErrInvalid)
			require.ErrorContains(t, err, test.err)
			require.ErrorContains(t, err, "shares.conf")
		})
	}
}

// The mount point is that of Cinder and os-brick: `echo -n 127.0.0.1:/vol1 | md5sum`.
func TestPoint(t *testing.T) {
	require.Equal(t, "f4c6ad7e3bba4ad1195b3b538efab64a", sharefs.Share{Address: "127.0.0.1:/vol1", Options: "ro"}.Point())
}

func FuzzParseShares(f *testing.F) {
	f.Add("a:/v -o x=1 # c\n[::1]:/w\n::1:/x", true)
	f.Add("a:/v/../w\n-o:/x -o -o", false)
	f.Fuzz(func(t *testing.T, text string, bracketed bool) {
		got, _ := sharefs.ParseShares(strings.NewReader(text), "f", bracketed)
		seen := map[string]bool{}
		for _, s := range got {
			require.False(t, seen[s.Address])
			seen[s.Address] = true
			require.False(t, strings.HasPrefix(s.Address, "-") || strings.HasPrefix(s.Options, "-"), "mount would read an option")
			require.NotContains(t, strings.Split(s.Address, "/"), "..")
			require.False(t, strings.ContainsAny(s.Address+s.Options, " \t\n\r\\#\x00"))
			again, err := sharefs.ParseShares(strings.NewReader(s.String()), "f", bracketed)
			require.NoError(t, err)
			require.Equal(t, []sharefs.Share{s}, again)
		}
	})
}

func TestOptions(t *testing.T) {
	for _, test := range []struct {
		name    string
		options map[string]string
		want    string // part of the error
	}{
		{"plain", nil, ""},
		{"Cinder's words", map[string]string{"glusterfs_qcow2_volumes": "True", "glusterfs_sparsed_volumes": "False"}, ""},
		{"provisioning", map[string]string{"nas_volume_prov_type": "fat"}, "nas_volume_prov_type = fat"},
		{"no yes or no", map[string]string{"glusterfs_qcow2_volumes": "maybe"}, "glusterfs_qcow2_volumes = maybe"},
		{"attempts", map[string]string{"glusterfs_mount_attempts": "0"}, "glusterfs_mount_attempts = 0"},
		{"mount options", map[string]string{"glusterfs_mount_options": "a b"}, "mount options"},
		{"no base", map[string]string{"glusterfs_mount_point_base": ""}, "glusterfs_mount_point_base"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := sharefs.New(memory(), settings("/nowhere", test.options), &execx.Exec{})
			if test.want != "" {
				require.ErrorIs(t, err, drivers.ErrInvalid)
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			require.NoDirExists(t, "/nowhere", "New does no I/O")
			require.True(t, d.Capabilities().Snapshot)
		})
	}
}
