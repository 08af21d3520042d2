package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/models"
)

// Name is an id with its name.
type Name struct{ ID, Name string }

// Token is what a token says, as of now: its user's roles are those that the rows give it, not those it was issued with.
type Token struct {
	User          Name
	UserDomain    Name
	PasswordAt    time.Time
	Project       Name // ID "" unless the token is of a project
	ProjectDomain Name
	Domain        Name // ID "" unless the token is of a domain
	System        bool
	Roles         []Name
	Methods       []string
	IssuedAt      time.Time
	ExpiresAt     time.Time
	// AuditIDs are the token's own and, behind it, that of the token it was made from first.
	AuditIDs []string
}

// Scoped tells whether the token is of a project, a domain or the system.
func (t *Token) Scoped() bool { return t.Project.ID != "" || t.Domain.ID != "" || t.System }

// HasRole tells whether the token has a role, by its name, whose case doesn't matter.
func (t *Token) HasRole(name string) bool {
	return slices.ContainsFunc(t.Roles, func(r Name) bool { return strings.EqualFold(r.Name, name) })
}

// Admin tells whether the token's user administers identities.
func (t *Token) Admin() bool { return t.HasRole("admin") }

// claims are what the text of a token holds.
type claims struct {
	Audit   string   `json:"a"`
	Chain   string   `json:"c,omitempty"` // audit id of the token that it was made from
	User    string   `json:"u"`
	Methods []string `json:"m"`
	Scope   string   `json:"s,omitempty"`
	ScopeID string   `json:"i,omitempty"`
	Issued  int64    `json:"t"` // microseconds since 1970
	Expires int64    `json:"e"`
}

// prefix tells our tokens from others', and their form from later ones.
const prefix = "clk1."

// maxToken is longer than any token of ours.
const maxToken = 1024

// sign makes the text of a token: prefix, key's id, claims, and the HMAC-SHA256 of all that.
func sign(k models.IdentityKey, c claims) (string, error) {
	secret, err := hex.DecodeString(k.Secret)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	text := prefix + k.ID + "." + base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(secret, text)), nil
}

// open takes the text of a token apart; false if none of the keys has signed it.
func open(keys []models.IdentityKey, text string) (claims, bool) {
	var c claims
	if len(text) > maxToken || !strings.HasPrefix(text, prefix) {
		return c, false
	}
	i := strings.LastIndexByte(text, '.')
	signed, got := text[:i], text[i+1:]
	id, body, ok := strings.Cut(strings.TrimPrefix(signed, prefix), ".")
	if !ok {
		return c, false
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(got)
	if err != nil || strings.ContainsAny(got, "\r\n") { // which the decoder passes over: one token would have many texts
		return c, false
	}
	for _, k := range keys {
		secret, err := hex.DecodeString(k.Secret)
		if err != nil || k.ID != id || !hmac.Equal(sum, mac(secret, signed)) {
			continue
		}
		plain, err := base64.RawURLEncoding.DecodeString(body)
		return c, err == nil && json.Unmarshal(plain, &c) == nil
	}
	return c, false
}

func mac(secret []byte, text string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// newAudit makes an audit id of Keystone's form.
func newAudit() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return base64.RawURLEncoding.EncodeToString(id)
}
