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

// keyHeader makes a POST safe to send again: one key, one volume or snapshot.
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

// keyed is a request that may carry an Idempotency-Key.
type keyed struct {
	what    string // what it makes: volume
	request string // "POST /volumes"
	// find reads the row that an equal request has made.
	find func(ctx context.Context, projectID, id string) error
	// run makes it.
	run func() error
}

// once runs a request, unless an equal one with the same key has made what it asks for, which is found then. It returns the flow that made it.
// What has begun is brought to its end even if the client goes away, so ctx must not be the request's: the key and the flow's record must agree.
func (a *API) once(ctx context.Context, c *Call, key string, start flow.Start, deadline time.Time, k keyed) (flowID string, err error) {
	if key == "" {
		return start.Header.FlowID, k.run()
	}
	claim, err := a.keyClaim(c, key, k.request, start.Header)
	if err != nil {
		return "", err
	}
	if earlier, err := a.claimKey(ctx, claim, start.Operation, deadline, k); err != nil || earlier != "" {
		return earlier, err
	}
	if err := k.run(); err != nil {
		a.releaseKey(ctx, c, key, start.Header.FlowID)
		return "", err
	}
	return start.Header.FlowID, nil
}

// keyClaim binds a key to what the request asks for and to what it is about to make.
func (a *API) keyClaim(c *Call, key, request string, h flow.Header) (models.IdempotencyKey, error) {
	body, err := c.Raw()
	if err != nil {
		return models.IdempotencyKey{}, err
	}
	sum := sha256.Sum256(append([]byte(request+"\n"), body...))
	now := a.Now().UTC()
	return models.IdempotencyKey{
		ProjectID: h.ProjectID, Key: key, BodyHash: hex.EncodeToString(sum[:]), ResourceID: h.ResourceID, FlowID: h.FlowID,
		CreatedAt: now, ExpiresAt: now.Add(a.KeyTTL),
	}, nil
}

// Waiting for an earlier request looks often at first: most are answered within milliseconds.
const (
	keyPollFirst = 10 * time.Millisecond
	keyPollMost  = 200 * time.Millisecond
)

// claimKey takes the key (""), or returns the flow of the earlier request under it, when it has made what k finds, waiting for it until the
// deadline. A claim whose request was refused, or whose API process died before it was answered, is taken over.
func (a *API) claimKey(ctx context.Context, claim models.IdempotencyKey, op flow.Operation, deadline time.Time, k keyed) (flowID string, err error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for wait := keyPollFirst; ; wait = min(2*wait, keyPollMost) {
		first, ours, err := a.Store.ClaimKey(ctx, claim)
		if err != nil || ours {
			return "", err
		}
		if first.BodyHash != claim.BodyHash {
			return "", fault.Conflict("the %s %q was used for another request; a key belongs to one request body", keyHeader, clip(claim.Key))
		}
		made, refused, err := a.keyOutcome(ctx, first, op, k)
		switch {
		case err != nil:
			return "", err
		case made:
			return first.FlowID, nil
		case refused:
			if err := a.Store.ReleaseKey(ctx, first.ProjectID, first.Key, first.FlowID); err != nil {
				return "", err
			}
			continue
		}
		if !pause(ctx, wait) {
			return "", fault.Unavailable("an earlier request with the same %s is still under way; try again", keyHeader)
		}
	}
}

// keyOutcome tells what became of the request that holds a key: it made something, was refused, or (neither) nothing yet.
func (a *API) keyOutcome(ctx context.Context, first models.IdempotencyKey, op flow.Operation, k keyed) (made, refused bool, err error) {
	if err := k.find(ctx, first.ProjectID, first.ResourceID); !errors.Is(err, models.ErrNotFound) {
		return err == nil, false, err
	}
	f, err := a.Store.GetFlow(ctx, first.ProjectID, first.FlowID)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return false, false, a.abandonDead(ctx, first, op)
	case err != nil:
		return false, false, err
	case f.State == models.FlowSuccess:
		return false, false, fault.Conflict("%s %s, which was made with this %s, has been deleted; use another key", k.what, first.ResourceID, keyHeader)
	}
	return false, !f.State.Open(), nil
}

// abandonDead writes the record of a flow whose API process must have died: it would have answered, one way or the other, by now.
func (a *API) abandonDead(ctx context.Context, first models.IdempotencyKey, op flow.Operation) error {
	if a.Now().Sub(first.CreatedAt) < a.AcceptWait+2*settleWait {
		return nil
	}
	_, _, request, err := flow.ParseID(first.FlowID)
	if err != nil {
		return err
	}
	header := flow.Header{
		FlowID: first.FlowID, RequestID: "req-" + request, ProjectID: first.ProjectID, ResourceID: first.ResourceID,
		Summary: "create " + op.Kind() + " " + first.ResourceID,
	}
	record, err := a.record(flow.Start{Operation: op, Header: header, Kind: op.Kind()}, models.FlowAbandoned)
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
