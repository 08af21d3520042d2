package v3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/clinker-storage/clinker/api/fault"
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// KeyStore remembers what keyed requests made.
type KeyStore interface {
	// ClaimKey takes a key: true, it is ours now; false, the earlier claim is returned.
	ClaimKey(ctx context.Context, k models.IdempotencyKey) (models.IdempotencyKey, bool, error)
	// ReleaseKey gives a key up if it is still held for this flow.
	ReleaseKey(ctx context.Context, projectID, key, flowID string) error
}

// keyHeader makes a POST safe to send again: one key, one volume.
const keyHeader = "Idempotency-Key"

// idempotencyKey reads the header; "" when it is absent.
func (c *Call) idempotencyKey() (string, error) {
	key := c.Header(keyHeader)
	if len(key) > 255 {
		return "", fault.BadRequest("the header %s has %d characters; it may have 1 to 255", keyHeader, len(key))
	}
	for _, b := range []byte(key) {
		if b < ' ' || b > '~' {
			return "", fault.BadRequest("the header %s may hold printable ASCII characters only", keyHeader)
		}
	}
	return key, nil
}

// keyClaim binds a key to what the request asks for and to the volume that it is about to make.
func (a *API) keyClaim(c *Call, key string, h flow.Header) (models.IdempotencyKey, error) {
	body, err := c.Raw()
	if err != nil {
		return models.IdempotencyKey{}, err
	}
	sum := sha256.Sum256(append([]byte("POST /volumes\n"), body...))
	now := a.Now().UTC()
	return models.IdempotencyKey{
		ProjectID: h.ProjectID, Key: key, BodyHash: hex.EncodeToString(sum[:]), ResourceID: h.ResourceID, FlowID: h.FlowID,
		CreatedAt: now, ExpiresAt: now.Add(a.KeyTTL),
	}, nil
}

// made is a volume that an earlier request with the same key made.
type made struct {
	volume models.Volume
	flowID string
}

// Waiting for an earlier request looks often at first: most are answered within milliseconds.
const (
	keyPollFirst = 10 * time.Millisecond
	keyPollMost  = 200 * time.Millisecond
)

// claimKey takes the key (nil), or returns what the earlier request under it made, waiting for it until the deadline.
// A claim whose request was refused, or whose API process died before it was answered, is taken over.
func (a *API) claimKey(ctx context.Context, k models.IdempotencyKey, deadline time.Time) (*made, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for wait := keyPollFirst; ; wait = min(2*wait, keyPollMost) {
		first, ours, err := a.Store.ClaimKey(ctx, k)
		if err != nil || ours {
			return nil, err
		}
		if first.BodyHash != k.BodyHash {
			return nil, fault.Conflict("the %s %q was used for another request; a key belongs to one request body", keyHeader, clip(k.Key))
		}
		v, refused, err := a.keyOutcome(ctx, first)
		if v != nil || err != nil {
			return v, err
		}
		if refused {
			if err := a.Store.ReleaseKey(ctx, first.ProjectID, first.Key, first.FlowID); err != nil {
				return nil, err
			}
			continue
		}
		if !pause(ctx, wait) {
			return nil, fault.Unavailable("an earlier request with the same %s is still under way; try again", keyHeader)
		}
	}
}

// keyOutcome tells what became of the request that holds a key: a volume, a refusal, or (neither) nothing yet.
func (a *API) keyOutcome(ctx context.Context, first models.IdempotencyKey) (v *made, refused bool, err error) {
	row, err := a.Store.GetVolume(ctx, first.ProjectID, first.ResourceID)
	if err == nil {
		return &made{volume: row, flowID: first.FlowID}, false, nil
	}
	if !errors.Is(err, models.ErrNotFound) {
		return nil, false, err
	}
	f, err := a.Store.GetFlow(ctx, first.ProjectID, first.FlowID)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return nil, false, a.abandonDead(ctx, first)
	case err != nil:
		return nil, false, err
	case f.State == models.FlowSuccess:
		return nil, false, fault.Conflict("volume %s, which was made with this %s, has been deleted; use another key", first.ResourceID, keyHeader)
	}
	return nil, !f.State.Open(), nil
}

// abandonDead writes the record of a flow whose API process must have died: it would have answered, one way or the other, by now.
func (a *API) abandonDead(ctx context.Context, first models.IdempotencyKey) error {
	if a.Now().Sub(first.CreatedAt) < a.AcceptWait+2*settleWait {
		return nil
	}
	_, _, request, err := flow.ParseID(first.FlowID)
	if err != nil {
		return err
	}
	header := flow.Header{
		FlowID: first.FlowID, RequestID: "req-" + request, ProjectID: first.ProjectID, ResourceID: first.ResourceID,
		Summary: "create volume " + first.ResourceID,
	}
	record, err := a.record(flow.Start{Operation: flow.VolumeCreate, Header: header, Kind: kindVolume}, models.FlowAbandoned)
	if err != nil {
		return err
	}
	record.Error = "the request behind it was never answered; an equal one took its place"
	if err := a.Store.AbandonFlow(ctx, record); !errors.Is(err, models.ErrExists) {
		return err
	}
	return nil
}

// releaseKey gives the key of a refused request back, so that it can be sent again. A failure is logged only: an equal request
// finds out by itself that this one made nothing.
func (a *API) releaseKey(ctx context.Context, c *Call, key, flowID string) {
	ctx, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	if err := a.Store.ReleaseKey(ctx, c.Project(), key, flowID); err != nil {
		c.Log.Warn("the idempotency key could not be released", "flow_id", flowID, "error", err.Error())
	}
}
