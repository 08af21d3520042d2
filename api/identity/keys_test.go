package identity_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/internal/identity"
	"github.com/clinker-storage/clinker/models"
	"github.com/clinker-storage/clinker/models/store"
)

// box is a vault of its own kind: it turns bytes round and says whose they are.
type box string

func (b box) Seal(plain []byte) ([]byte, error) {
	out := []byte(b)
	for _, c := range plain {
		out = append(out, ^c)
	}
	return out, nil
}

func (b box) Open(sealed []byte) ([]byte, error) {
	text, ok := strings.CutPrefix(string(sealed), string(b))
	if !ok {
		return nil, errors.New("another's")
	}
	out := make([]byte, 0, len(text))
	for _, c := range []byte(text) {
		out = append(out, ^c)
	}
	return out, nil
}

// What tokens are signed with lies sealed in the catalogue; an older one is sealed at the next start, and its tokens stay valid.
func TestSealedKeys(t *testing.T) {
	st, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "catalogue.db"), store.Options{RelaxedDurability: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	require.NoError(t, st.Migrate(t.Context()))
	open := func(v identity.Vault) *identity.Service {
		s, err := identity.New(st, identity.Options{Vault: v})
		require.NoError(t, err)
		return s
	}
	kept := func() (secrets []string) {
		keys, err := identity.List[models.IdentityKey](t.Context(), open(nil), nil)
		require.NoError(t, err)
		for _, k := range keys {
			secrets = append(secrets, k.Secret)
		}
		return secrets
	}
	before := open(nil)
	password, err := before.Bootstrap(t.Context(), func(string) error { return nil })
	require.NoError(t, err)
	login := func(s *identity.Service) (string, error) {
		_, text, err := s.Issue(t.Context(), identity.Login{User: identity.Ref{Name: identity.AdminUser, DomainID: identity.DefaultDomain}, Password: password, Unscoped: true})
		return text, err
	}
	old, err := login(before)
	require.NoError(t, err)
	clear := kept()
	require.Len(t, clear, 1)

	mine := open(box("mine"))
	require.NoError(t, mine.SealKeys(t.Context()))
	require.NoError(t, mine.SealKeys(t.Context()), "twice is once")
	require.NotContains(t, kept()[0], clear[0])
	_, err = mine.Verify(t.Context(), old)
	require.NoError(t, err, "a token of before")
	require.NoError(t, mine.RotateKey(t.Context()))
	for _, secret := range kept() {
		require.True(t, strings.HasPrefix(secret, "sealed:"), secret)
	}
	fresh, err := login(mine)
	require.NoError(t, err)
	_, err = open(box("mine")).Verify(t.Context(), fresh)
	require.NoError(t, err)

	for name, s := range map[string]*identity.Service{"no vault": open(nil), "another's": open(box("other"))} {
		_, err = s.Verify(t.Context(), fresh)
		require.Error(t, err, name)
		_, err = login(s)
		require.ErrorContains(t, err, "rotate-key", name)
	}
	require.ErrorContains(t, open(box("other")).SealKeys(t.Context()), "key_file")

	// The file is lost: a new key signs, tokens of before are over.
	lost := open(box("other"))
	require.NoError(t, lost.RotateKey(t.Context()))
	again, err := login(lost)
	require.NoError(t, err)
	_, err = lost.Verify(t.Context(), again)
	require.NoError(t, err)
	_, err = lost.Verify(t.Context(), fresh)
	require.ErrorIs(t, err, identity.ErrUnauthorized)
}
