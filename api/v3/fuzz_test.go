package v3

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/api/microversion"
	"github.com/clinker-storage/clinker/api/middleware"
)

// refused says that an error is one that a client may see: a 4xx with words.
func refused(t *testing.T, err error) {
	t.Helper()
	var f *fault.Fault
	require.True(t, errors.As(err, &f) && f.Code >= 400 && f.Code < 500 && f.Message != "", "%v", err)
}

// Whatever a query says, a list has a page of bounded size in an order that the store knows, and never leaves the caller's project.
func FuzzList(f *testing.F) {
	for _, q := range []string{
		"", "limit=10&marker=x&offset=3&sort=name:asc,size", "sort_key=created_at&sort_dir=up", "limit=-1", "limit=99999999999999999999", "offset=2147483648",
		"all_tenants=1&project_id=other&project_id=third", "metadata={'a':'b'}&name~=x", "created_at=gt:2026-01-02T03:04:05,lt:", "bootable=maybe&size=1e9", "%zz=;&&=&a",
		"sort=:,:,name:desc:asc&sort_key=", "name=%00%ff",
	} {
		f.Add(q, uint16(0), false)
		f.Add(q, uint16(71), true)
	}
	api := &API{Deps: Deps{Settings: Settings{MaxLimit: 100}}}
	f.Fuzz(func(t *testing.T, query string, minor uint16, admin bool) {
		values, _ := url.ParseQuery(query)
		c := &Call{api: api, query: values, Scope: &middleware.Scope{
			Version: microversion.Version(minor), Identity: middleware.Identity{ProjectID: "mine", Admin: admin},
		}}
		if page, err := c.Page(volumeSortKeys); err != nil {
			refused(t, err)
		} else {
			require.True(t, page.Limit >= 0 && page.Limit <= 100 && page.Offset >= 0, "%+v", page)
			for _, k := range page.Sort {
				require.Contains(t, slices.Collect(maps.Values(volumeSortKeys)), k.Key)
			}
		}
		for _, set := range []*filterSet{&volumeFilters, &snapshotFilters, &backupFilters} {
			got, err := c.filters(set)
			if err != nil {
				refused(t, err)
				continue
			}
			require.True(t, admin || got.projectID == "mine")
			require.Subset(t, append(append([]string{"id"}, set.all...), set.admin...), sortedKeys(got.equal))
		}
	})
}

// Whatever a record of a backup says, what comes of it can be kept by any database.
func FuzzRecord(f *testing.F) {
	const id = "915aafd7-3cca-46c3-ba41-6f32b2a0d0b5"
	for _, text := range []string{
		`{"id":"` + id + `","size":1,"parent_id":null,"metadata":{"a":"b"},"data_timestamp":"2026-01-02T03:04:05.000000"}`,
		`{"id":"` + id + `","size":1,"display_name":"a\u0000b"}`, `{"id":"` + id + `","size":1e30}`, `{"id":"` + id + `","size":1,"object_count":-1}`, "null", "[]", "{",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := readRecord(base64.StdEncoding.EncodeToString([]byte(text)))
		if err != nil {
			refused(t, err)
			return
		}
		row, err := json.Marshal(b)
		require.NoError(t, err)
		require.NotContains(t, string(row), `\u0000`)
		require.True(t, b.SizeGiB > 0 && b.SizeGiB<<30 > 0 && b.ObjectCount >= 0)
	})
}

// Whatever a body says of a host, it is an object or refused.
func FuzzAttachmentBody(f *testing.F) {
	for _, text := range []string{
		`{"volume_uuid":"915aafd7-3cca-46c3-ba41-6f32b2a0d0b5","connector":{"host":"h"},"mode":"ro"}`, `{"connector":[]}`, `{"connector":"x"}`, `{"connector":{}}`, `{"connector":null,"mode":1}`, `{"volume_uuid":"{915aafd7}"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var raw map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &raw) != nil {
			return
		}
		fields := newFields("attachment", raw)
		volume, connector := fields.UUID("volume_uuid"), readConnector(fields)
		fields.Choice("mode", "rw", "ro")
		if err := fields.End(true); err != nil {
			refused(t, err)
			return
		}
		require.True(t, volume == "" || isUUID(volume))
		require.True(t, connector == nil || strings.HasPrefix(strings.TrimSpace(string(connector)), "{"), "%s", connector)
	})
}
