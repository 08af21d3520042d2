package v3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/policy"
)

// metadataOf serves the metadata of one kind of resource, at <path>/metadata and <path>/metadata/<key>.
type metadataOf struct {
	what  string // for messages: volume
	path  string // "/volumes/:volume_id"
	param string // "volume_id"
	// rules are the names of show, POST, PUT and DELETE in the policy; of is the resource as the policy looks at it.
	rules struct{ show, add, replace, remove string }
	of    func(*Call) (policy.Target, error)
	// etags lets a PUT name the state it knows (3.15), which Cinder has for volumes only.
	etags bool
	get   func(ctx context.Context, projectID, id string) (map[string]string, error)
	// edit lets change work on the metadata with the row locked; its error is returned as it is.
	edit func(ctx context.Context, projectID, id string, change metadataChange) (map[string]string, error)
}

type metadataChange = func(old map[string]string) (map[string]string, error)

func (m *metadataOf) routes() []Route {
	all, one := m.path+"/metadata", m.path+"/metadata/:key"
	return []Route{
		{Method: http.MethodGet, Path: all, Handle: m.show, Rule: m.rules.show, Of: m.of},
		{Method: http.MethodPost, Path: all, Handle: m.add, Rule: m.rules.add, Of: m.of},
		{Method: http.MethodPut, Path: all, Handle: m.replace, Rule: m.rules.replace, Of: m.of},
		{Method: http.MethodGet, Path: one, Handle: m.showKey, Rule: m.rules.show, Of: m.of},
		{Method: http.MethodPut, Path: one, Handle: m.setKey, Rule: m.rules.replace, Of: m.of},
		{Method: http.MethodDelete, Path: one, Handle: m.deleteKey, Rule: m.rules.remove, Of: m.of},
	}
}

func (m *metadataOf) read(c *Call) (map[string]string, error) {
	id, err := c.uuidParam(m.param, m.what)
	if err != nil {
		return nil, err
	}
	pairs, err := m.get(c.Context(), c.Reach(), id)
	return pairs, notFound(err, m.what, id)
}

type metadataView struct {
	Metadata map[string]string `json:"metadata"`
}

// answer adds the ETag that a later PUT may name in If-Match.
func (m *metadataOf) answer(c *Call, pairs map[string]string) error {
	if pairs == nil {
		pairs = map[string]string{}
	}
	if m.etags && c.At(15) {
		c.SetHeader("ETag", etag(pairs))
	}
	return c.JSON(http.StatusOK, metadataView{pairs})
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

func (m *metadataOf) show(c *Call) error {
	pairs, err := m.read(c)
	if err != nil {
		return err
	}
	return m.answer(c, pairs)
}

func (m *metadataOf) add(c *Call) error {
	more, err := c.metadataBody()
	if err != nil {
		return err
	}
	return m.change(c, func(old map[string]string) (map[string]string, error) {
		return merged(old, more), nil
	}, func(all map[string]string) error { return m.answer(c, all) })
}

// replace puts a new set in place of the old one; where there are ETags, only while If-Match, if sent, is still true.
func (m *metadataOf) replace(c *Call) error {
	set, err := c.metadataBody()
	if err != nil {
		return err
	}
	match := c.Header("If-Match")
	return m.change(c, func(old map[string]string) (map[string]string, error) {
		if m.etags && c.At(15) && match != "" && !matches(match, etag(old)) {
			return nil, fault.New(http.StatusPreconditionFailed, "the metadata has changed since; read it again")
		}
		return set, nil
	}, func(all map[string]string) error { return m.answer(c, all) })
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

func (m *metadataOf) showKey(c *Call) error {
	pairs, err := m.read(c)
	if err != nil {
		return err
	}
	key := c.Param("key")
	value, ok := pairs[key]
	if !ok {
		return noSuchKey(key)
	}
	return c.JSON(http.StatusOK, map[string]map[string]string{"meta": {key: value}})
}

func (m *metadataOf) setKey(c *Call) error {
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
	return m.change(c, func(old map[string]string) (map[string]string, error) {
		return merged(old, meta), nil
	}, func(map[string]string) error {
		return c.JSON(http.StatusOK, map[string]map[string]string{"meta": {key: value}})
	})
}

func (m *metadataOf) deleteKey(c *Call) error {
	key := c.Param("key")
	return m.change(c, func(old map[string]string) (map[string]string, error) {
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

// change edits the metadata with the row locked, checks its size, and answers.
func (m *metadataOf) change(c *Call, edit metadataChange, answer func(map[string]string) error) error {
	id, err := c.uuidParam(m.param, m.what)
	if err != nil {
		return err
	}
	pairs, err := m.edit(c.Context(), c.Reach(), id, func(old map[string]string) (map[string]string, error) {
		pairs, err := edit(old)
		if err != nil {
			return nil, err
		}
		return pairs, checkMetadataSize(pairs)
	})
	if err != nil {
		return notFound(err, m.what, id)
	}
	return answer(pairs)
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
