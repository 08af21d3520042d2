package stores_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/backups"
	"github.com/clinker-storage/clinker/drivers/backups/stores"
)

func TestOpenURL(t *testing.T) {
	env := map[string]string{"ST_USER": "u", "ST_KEY": "hush", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "hush"}
	for address, want := range map[string]backups.Properties{
		"/srv/backups":                            {Kind: "posix", Location: "/srv/backups"},
		"posix:///srv/backups/":                   {Kind: "posix", Location: "/srv/backups"},
		"file:///srv":                             {Kind: "posix", Location: "/srv"},
		"swift+http://h:8080/auth/v1.0":           {Kind: "swift", Location: "http://h:8080/auth/v1.0 volumebackups"},
		"swift+https://h/identity/v3?container=c": {Kind: "swift", Location: "https://h/identity/v3 c"},
		"s3+https://h/bucket?region=r":            {Kind: "s3", Location: "https://h bucket"},
	} {
		s, err := stores.OpenURL(address, func(n string) string { return env[n] })
		require.NoError(t, err, address)
		require.Equal(t, want, s.Properties(), address)
		require.NoError(t, s.Close())
	}
	for _, address := range []string{"", "relative", "nfs://h/x", "swift://h", "s3+https://h", "posix://host/path", "s3+ftp://h/b", "s3+https://key:hush@h/b", "s3+https://%zz/hush"} {
		_, err := stores.OpenURL(address, func(string) string { return "" })
		require.ErrorIs(t, err, drivers.ErrInvalid, address)
		require.NotContains(t, err.Error(), "hush")
	}
}
