package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/models"
)

func TestIdentityRows(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		at := s.now()
		require.NoError(t, s.CreateIdentity(ctx, &models.IdentityDomain{ID: "d1", Name: "one", Enabled: true, CreatedAt: at}))
		err := s.CreateIdentity(ctx, &models.IdentityDomain{ID: "d2", Name: "one", CreatedAt: at})
		require.ErrorIs(t, err, models.ErrExists)
		require.ErrorContains(t, err, "a domain of that name")
		user := models.IdentityUser{ID: "u1", DomainID: "d1", Name: "mia", Enabled: true, PasswordHash: "h", PasswordAt: at, CreatedAt: at}
		require.NoError(t, s.CreateIdentity(ctx, &user))
		require.NoError(t, s.CreateIdentity(ctx, &models.IdentityUser{ID: "u2", DomainID: "d2", Name: "mia"}), "names are a domain's own")
		var got models.IdentityUser
		require.NoError(t, s.GetIdentity(ctx, &got, "u1"))
		require.Equal(t, user, got)
		require.ErrorIs(t, s.GetIdentity(ctx, &models.IdentityUser{}, "nix"), models.ErrNotFound)

		var edited models.IdentityUser
		require.NoError(t, s.EditIdentity(ctx, &edited, "u1", func() error { edited.Enabled, edited.TokensAfter = false, at.Add(time.Second); return nil }))
		var disabled []models.IdentityUser
		require.NoError(t, s.ListIdentity(ctx, &disabled, map[string]any{"enabled": false, "domain_id": "d1"}))
		require.Equal(t, []models.IdentityUser{edited}, disabled)
		broken := errors.New("no")
		require.ErrorIs(t, s.EditIdentity(ctx, &edited, "u1", func() error { edited.Name = "x"; return broken }), broken)
		require.NoError(t, s.GetIdentity(ctx, &got, "u1"))
		require.Equal(t, "mia", got.Name)
		require.ErrorIs(t, s.ListIdentity(ctx, &disabled, map[string]any{"password_hash": "h"}), models.ErrInvalid)
	})
}

// Whoever goes takes along what was given to them, and nothing of others.
func TestIdentityDeletes(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		for _, row := range []any{
			&models.IdentityDomain{ID: "d1", Name: "one"}, &models.IdentityDomain{ID: "d2", Name: "two"},
			&models.IdentityProject{ID: "p1", DomainID: "d1", Name: "p"}, &models.IdentityProject{ID: "p2", DomainID: "d2", Name: "p"},
			&models.IdentityUser{ID: "u1", DomainID: "d1", Name: "u"}, &models.IdentityUser{ID: "u2", DomainID: "d2", Name: "u"},
			&models.IdentityRole{ID: "r1", Name: "r1"}, &models.IdentityRole{ID: "r2", Name: "r2"},
			&models.IdentityService{ID: "s1", Type: "image"}, &models.IdentityEndpoint{ID: "e1", ServiceID: "s1"}, &models.IdentityEndpoint{ID: "e2", ServiceID: "s2"},
		} {
			require.NoError(t, s.CreateIdentity(ctx, row))
		}
		grant := func(user, scope, id, role string) models.IdentityAssignment {
			a := models.IdentityAssignment{UserID: user, Scope: scope, ScopeID: id, RoleID: role}
			require.NoError(t, s.EnsureIdentity(ctx, &a))
			require.NoError(t, s.EnsureIdentity(ctx, &a))
			return a
		}
		var all []models.IdentityAssignment
		left := func() []models.IdentityAssignment {
			all = nil
			require.NoError(t, s.ListIdentity(ctx, &all, nil))
			return all
		}
		kept := grant("u2", models.GrantProject, "p2", "r2")
		grant("u2", models.GrantProject, "p2", "r1")
		require.NoError(t, s.EnsureIdentity(ctx, &models.IdentityImplication{PriorID: "r2", ImpliedID: "r1"}))
		require.NoError(t, s.DeleteIdentity(ctx, &models.IdentityRole{}, "r1"))
		require.Equal(t, []models.IdentityAssignment{kept}, left())
		var implied []models.IdentityImplication
		require.NoError(t, s.ListIdentity(ctx, &implied, nil))
		require.Empty(t, implied)

		gone := grant("u2", models.GrantSystem, models.WholeSystem, "r2")
		require.NoError(t, s.RemoveIdentity(ctx, &gone))
		require.ErrorIs(t, s.RemoveIdentity(ctx, &gone), models.ErrNotFound)

		v := s.available(t, volumeOf("p1", 1))
		require.ErrorIs(t, s.DeleteIdentity(ctx, &models.IdentityProject{}, "p1"), models.ErrInUse)
		require.ErrorIs(t, s.DeleteIdentity(ctx, &models.IdentityDomain{}, "d1"), models.ErrInUse)
		b := s.backup(t, backupOf(v))
		require.NoError(t, s.db.Where("id = ?", v.ID).Delete(&models.Volume{}).Error)
		require.ErrorContains(t, s.DeleteIdentity(ctx, &models.IdentityProject{}, "p1"), "it still has backups")
		require.NoError(t, s.db.Where("id = ?", b.ID).Delete(&models.Backup{}).Error)
		grant("u1", models.GrantProject, "p1", "r2")
		grant("u1", models.GrantProject, "p2", "r2")
		grant("u2", models.GrantDomain, "d1", "r2")
		require.NoError(t, s.DeleteIdentity(ctx, &models.IdentityDomain{}, "d1"))
		require.Equal(t, []models.IdentityAssignment{kept}, left())
		require.ErrorIs(t, s.GetIdentity(ctx, &models.IdentityUser{}, "u1"), models.ErrNotFound)
		require.ErrorIs(t, s.GetIdentity(ctx, &models.IdentityProject{}, "p1"), models.ErrNotFound)
		require.NoError(t, s.GetIdentity(ctx, &models.IdentityUser{}, "u2"))

		require.NoError(t, s.DeleteIdentity(ctx, &models.IdentityService{}, "s1"))
		var points []models.IdentityEndpoint
		require.NoError(t, s.ListIdentity(ctx, &points, nil))
		require.Len(t, points, 1)
		require.NoError(t, s.DeleteIdentity(ctx, &models.IdentityUser{}, "u2"))
		require.Empty(t, left())
		require.ErrorIs(t, s.DeleteIdentity(ctx, &models.IdentityUser{}, uuid.NewString()), models.ErrNotFound)
	})
}

// Revocations go once the tokens they end would be over anyway.
func TestPurgeRevocations(t *testing.T) {
	onBoth(t, func(t *testing.T, s fixture) {
		now := s.now()
		for id, ends := range map[string]time.Time{"old": now.Add(-time.Second), "new": now.Add(time.Hour)} {
			require.NoError(t, s.EnsureIdentity(ctx, &models.IdentityRevocation{ID: id, ExpiresAt: ends}))
		}
		removed, err := s.Purge(ctx, now, time.Hour)
		require.NoError(t, err)
		require.EqualValues(t, 1, removed["identity_revocations"])
		require.NoError(t, s.GetIdentity(ctx, &models.IdentityRevocation{}, "new"))
		require.ErrorIs(t, s.GetIdentity(ctx, &models.IdentityRevocation{}, "old"), models.ErrNotFound)
	})
}
