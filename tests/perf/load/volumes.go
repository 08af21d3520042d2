package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Volume is what the generator reads of a volume.
type Volume struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"` // absent in lists without detail
}

// Spec says what a created volume shall be.
type Spec struct {
	Name string
	Type string // "" for the default
	Size int    // GiB
}

// CreateVolume sends the POST and returns the id of the accepted volume.
func (c *Client) CreateVolume(ctx context.Context, s Spec, extra http.Header) (string, error) {
	v := map[string]any{"size": s.Size, "name": s.Name}
	if s.Type != "" {
		v["volume_type"] = s.Type
	}
	r, err := c.Do(ctx, http.MethodPost, "/volumes", map[string]any{"volume": v}, extra)
	if err == nil {
		err = r.want(2)
	}
	if err != nil {
		return "", err
	}
	var made struct{ Volume Volume }
	err = json.Unmarshal(r.Body, &made)
	return made.Volume.ID, err
}

// DeleteVolume sends the DELETE.
func (c *Client) DeleteVolume(ctx context.Context, id string) error {
	r, err := c.Do(ctx, http.MethodDelete, "/volumes/"+id, nil, nil)
	if err != nil {
		return err
	}
	return r.want(2)
}

// Gone is what Status answers of a resource that is not there.
const Gone = "gone"

// Status reads the status of a volume, or of a resource of another kind ("snapshots", "backups").
func (c *Client) Status(ctx context.Context, kind, id string) (string, error) {
	r, err := c.Do(ctx, http.MethodGet, "/"+kind+"/"+id, nil, nil)
	if err != nil {
		return "", err
	}
	if r.Code == http.StatusNotFound {
		return Gone, nil
	}
	if err := r.want(http.StatusOK); err != nil {
		return "", err
	}
	var one map[string]Volume
	if err := json.Unmarshal(r.Body, &one); err != nil {
		return "", err
	}
	for _, v := range one {
		return v.Status, nil
	}
	return "", fmt.Errorf("the answer holds no %s: %s", kind, clip(string(r.Body), 100))
}

// pageSize is Cinder's osapi_max_limit by default.
const pageSize = 1000

// Volumes lists, by pages with detail, the volumes whose name begins with prefix, oldest first.
func (c *Client) Volumes(ctx context.Context, prefix string) ([]Volume, error) {
	var out []Volume
	q := url.Values{"limit": {fmt.Sprint(pageSize)}, "sort": {"created_at:asc"}}
	err := c.pages(ctx, "/volumes/detail", q, pageSize, func(v Volume) bool {
		if strings.HasPrefix(v.Name, prefix) {
			out = append(out, v)
		}
		return true
	})
	return out, err
}

// Any tells whether a volume with that status and name prefix is there. The newest are looked at first, without
// detail and a few at a time: this is what the generator polls.
func (c *Client) Any(ctx context.Context, status, prefix string) (found bool, err error) {
	const few = 20
	q := url.Values{"limit": {fmt.Sprint(few)}, "status": {status}}
	err = c.pages(ctx, "/volumes", q, few, func(v Volume) bool {
		found = found || strings.HasPrefix(v.Name, prefix)
		return !found
	})
	return found, err
}

// pages follows a list by its markers until it ends or each returns false.
func (c *Client) pages(ctx context.Context, path string, q url.Values, size int, each func(Volume) bool) error {
	for {
		r, err := c.Do(ctx, http.MethodGet, path+"?"+q.Encode(), nil, nil)
		if err == nil {
			err = r.want(http.StatusOK)
		}
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		var page struct{ Volumes []Volume }
		if err := json.Unmarshal(r.Body, &page); err != nil {
			return fmt.Errorf("list: %w", err)
		}
		for _, v := range page.Volumes {
			if !each(v) {
				return nil
			}
		}
		if len(page.Volumes) < size {
			return nil
		}
		q.Set("marker", page.Volumes[len(page.Volumes)-1].ID)
	}
}

// Counts counts volumes by status.
func (c *Client) Counts(ctx context.Context, prefix string) (map[string]int, error) {
	all, err := c.Volumes(ctx, prefix)
	return byStatus(all), err
}

func byStatus(all []Volume) map[string]int {
	n := map[string]int{}
	for _, v := range all {
		n[v.Status]++
	}
	return n
}
