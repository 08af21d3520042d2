package v3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
)

func (a *API) volumeMetadataRoutes() []Route {
	const all, one = "/volumes/:volume_id/metadata", "/volumes/:volume_id/metadata/:key"
	return []Route{
		{Method: http.MethodGet, Path: all, Handle: a.showMetadata},
		{Method: http.MethodPost, Path: all, Handle: a.addMetadata},
		{Method: http.MethodPut, Path: all, Handle: a.replaceMetadata},
		{Method: http.MethodGet, Path: one, Handle: a.showMetadataKey},
		{Method: http.MethodPut, Path: one, Handle: a.setMetadataKey},
		{Method: http.MethodDelete, Path: one, Handle: a.deleteMetadataKey},
	}
}

type metadataView struct {
	Metadata map[string]string `json:"metadata"`
}

// answerMetadata adds the ETag that a later PUT may name in If-Match (3.15).
func (c *Call) answerMetadata(m map[string]string) error {
	if m == nil {
		m = map[string]string{}
	}
	if c.At(15) {
		c.SetHeader("ETag", etag(m))
	}
	return c.JSON(http.StatusOK, metadataView{m})
}

// etag names a state of the metadata; maps marshal in the order of their keys.
func etag(m map[string]string) string {
	if m == nil {
		m = map[string]string{}
	}
	b, err := json.Marshal(m)
	if err != nil { // strings always marshal
		return `""`
	}
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

func (a *API) showMetadata(c *Call) error {
	v, err := a.volume(c)
	if err != nil {
		return err
	}
	return c.answerMetadata(v.Metadata)
}

func (a *API) addMetadata(c *Call) error {
	more, err := c.metadataBody()
	if err != nil {
		return err
	}
	return a.editMetadata(c, func(old map[string]string) (map[string]string, error) {
		return merged(old, more), nil
	}, c.answerMetadata)
}

// replaceMetadata puts a new set in place of the old one; from 3.15 only while If-Match, if sent, is still true.
func (a *API) replaceMetadata(c *Call) error {
	set, err := c.metadataBody()
	if err != nil {
		return err
	}
	match := c.Header("If-Match")
	return a.editMetadata(c, func(old map[string]string) (map[string]string, error) {
		if c.At(15) && match != "" && !matches(match, etag(old)) {
			return nil, fault.New(http.StatusPreconditionFailed, "the metadata has changed since; read it again")
		}
		return set, nil
	}, c.answerMetadata)
}

// matches reads If-Match: a list of tags, or * for any.
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimSpace(part); part == "*" || part == tag {
			return true
		}
	}
	return false
}

func (a *API) showMetadataKey(c *Call) error {
	v, err := a.volume(c)
	if err != nil {
		return err
	}
	key := c.Param("key")
	value, ok := v.Metadata[key]
	if !ok {
		return noSuchKey(key)
	}
	return c.JSON(http.StatusOK, map[string]map[string]string{"meta": {key: value}})
}

func (a *API) setMetadataKey(c *Call) error {
	top, err := c.Object()
	if err != nil {
		return err
	}
	meta := top.Metadata("meta")
	if err := top.End(false); err != nil {
		return err
	}
	key := c.Param("key")
	value, ok := meta[key]
	if !ok || len(meta) != 1 {
		return fault.BadRequest("meta must have exactly the key %q that the path names", clip(key))
	}
	return a.editMetadata(c, func(old map[string]string) (map[string]string, error) {
		return merged(old, meta), nil
	}, func(map[string]string) error {
		return c.JSON(http.StatusOK, map[string]map[string]string{"meta": {key: value}})
	})
}

func (a *API) deleteMetadataKey(c *Call) error {
	key := c.Param("key")
	return a.editMetadata(c, func(old map[string]string) (map[string]string, error) {
		if _, ok := old[key]; !ok {
			return nil, noSuchKey(key)
		}
		rest := merged(old, nil)
		delete(rest, key)
		return rest, nil
	}, func(map[string]string) error {
		return c.Empty(http.StatusOK)
	})
}

// editMetadata changes the metadata with the row locked, checks its size, and answers.
func (a *API) editMetadata(c *Call, edit func(map[string]string) (map[string]string, error), answer func(map[string]string) error) error {
	id, err := c.uuidParam("volume_id", "volume")
	if err != nil {
		return err
	}
	m, err := a.Store.EditVolumeMetadata(c.Context(), c.Reach(), id, func(old map[string]string) (map[string]string, error) {
		m, err := edit(old)
		if err != nil {
			return nil, err
		}
		return m, checkMetadataSize(m)
	})
	if err != nil {
		return notFound(err, "volume", id)
	}
	return answer(m)
}

// metadataBody reads {"metadata": {...}}, which must be there.
func (c *Call) metadataBody() (map[string]string, error) {
	top, err := c.Object()
	if err != nil {
		return nil, err
	}
	m := top.Metadata("metadata")
	if m == nil {
		top.Fail("metadata is needed in the request body and must be an object of strings")
	}
	return m, top.End(false)
}

func noSuchKey(key string) error {
	return fault.NotFound("metadata key %q could not be found", clip(key))
}
