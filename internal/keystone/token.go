package keystone

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// Token is what Keystone says of a token.
type Token struct {
	UserID, UserDomainID       string
	ProjectID, ProjectDomainID string // "" for a token that is of no project
	DomainID                   string // of a token that is of a domain
	System                     bool
	Roles                      []string
	// NotAdminProject is set where Keystone has an admin project and the token is for another.
	NotAdminProject bool
	ExpiresAt       time.Time
}

// maxToken is longer than Keystone's longest tokens; headers are bounded by the server anyway.
const maxToken = 16 << 10

// Validate tells who a token is of: ErrInvalid if it is none, and ErrUnavailable if nobody can say.
func (c *Client) Validate(ctx context.Context, text string) (Token, error) {
	if text == "" || len(text) > maxToken {
		return Token{}, ErrInvalid
	}
	key, now := sha256.Sum256([]byte(text)), c.opts.Now()
	if a, ok := c.memory.get(key, now); ok {
		return a.token, a.err
	}
	// Requests that come with the same token at once ask once; the first of them going away must not fail the others.
	done := c.flight.DoChan(string(key[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.opts.Timeout)
		defer cancel()
		t, err := c.ask(ctx, text)
		c.remember(key, t, err)
		return t, err
	})
	select {
	case r := <-done:
		return r.Val.(Token), r.Err
	case <-ctx.Done():
		return Token{}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// remember keeps an answer about the token, and never that there was none.
func (c *Client) remember(key [sha256.Size]byte, t Token, err error) {
	until := c.opts.Now().Add(c.opts.CacheTime)
	switch {
	case errors.Is(err, ErrInvalid):
		until = c.opts.Now().Add(min(c.opts.CacheTime, invalidTime))
	case err != nil:
		return
	case t.ExpiresAt.Before(until):
		until = t.ExpiresAt
	}
	if until.After(c.opts.Now()) {
		c.memory.put(key, answer{token: t, err: err, until: until})
	}
}

// document is the part of Keystone's answer that counts.
type document struct {
	Token struct {
		ExpiresAt time.Time `json:"expires_at"`
		User      scoped    `json:"user"`
		Project   *scoped   `json:"project"`
		Domain    *scoped   `json:"domain"`
		System    *struct{} `json:"system"`
		Roles     []struct {
			Name string `json:"name"`
		} `json:"roles"`
		AdminProject *bool `json:"is_admin_project"`
	} `json:"token"`
}

type scoped struct {
	ID     string `json:"id"`
	Domain struct {
		ID string `json:"id"`
	} `json:"domain"`
}

func (c *Client) ask(ctx context.Context, text string) (Token, error) {
	api, err := c.login(ctx)
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	var d document
	_, err = api.Get(ctx, api.ServiceURL("auth", "tokens")+"?nocatalog", &d, &gophercloud.RequestOpts{ //nolint:bodyclose // gophercloud reads and closes it
		MoreHeaders: map[string]string{"X-Subject-Token": text}, OkCodes: []int{http.StatusOK, http.StatusNonAuthoritativeInfo},
	})
	switch {
	case gophercloud.ResponseCodeIs(err, http.StatusNotFound):
		return Token{}, ErrInvalid
	case err != nil:
		return Token{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case d.Token.User.ID == "":
		return Token{}, fmt.Errorf("%w: its answer names no user", ErrUnavailable)
	case !d.Token.ExpiresAt.After(c.opts.Now()):
		return Token{}, ErrInvalid
	}
	return d.read(), nil
}

func (d *document) read() Token {
	t := Token{
		UserID: d.Token.User.ID, UserDomainID: d.Token.User.Domain.ID, System: d.Token.System != nil, ExpiresAt: d.Token.ExpiresAt,
		NotAdminProject: d.Token.AdminProject != nil && !*d.Token.AdminProject,
	}
	if p := d.Token.Project; p != nil {
		t.ProjectID, t.ProjectDomainID = p.ID, p.Domain.ID
	}
	if p := d.Token.Domain; p != nil {
		t.DomainID = p.ID
	}
	for _, r := range d.Token.Roles {
		t.Roles = append(t.Roles, r.Name)
	}
	return t
}
