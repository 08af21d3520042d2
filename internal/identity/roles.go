package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/clinker-storage/clinker/models"
)

// roles are those that a user has in a scope, with what they imply, by name.
func (s *Service) roles(ctx context.Context, user, scope, id string) ([]Name, error) {
	given, err := List[models.IdentityAssignment](ctx, s, map[string]any{"user_id": user, "scope": scope, "scope_id": id})
	if err != nil || len(given) == 0 {
		return nil, err
	}
	ids := make([]string, len(given))
	for i, a := range given {
		ids[i] = a.RoleID
	}
	return s.Implied(ctx, ids)
}

// Implied are the roles of the given ids and all that they imply, in the order of their names.
func (s *Service) Implied(ctx context.Context, ids []string) ([]Name, error) {
	implications, err := List[models.IdentityImplication](ctx, s, nil)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for len(ids) > 0 {
		id := ids[0]
		ids = ids[1:]
		if has[id] {
			continue // implications may go round in circles
		}
		has[id] = true
		for _, i := range implications {
			if i.PriorID == id {
				ids = append(ids, i.ImpliedID)
			}
		}
	}
	all, err := List[models.IdentityRole](ctx, s, nil)
	if err != nil {
		return nil, err
	}
	var out []Name
	for _, r := range all {
		if has[r.ID] {
			out = append(out, Name{r.ID, r.Name})
		}
	}
	slices.SortFunc(out, func(a, b Name) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Projects are those in which a user has a role.
func (s *Service) Projects(ctx context.Context, user string) ([]models.IdentityProject, error) {
	return assigned[models.IdentityProject](ctx, s, user, models.GrantProject)
}

// Domains are those in which a user has a role.
func (s *Service) Domains(ctx context.Context, user string) ([]models.IdentityDomain, error) {
	return assigned[models.IdentityDomain](ctx, s, user, models.GrantDomain)
}

func assigned[T any](ctx context.Context, s *Service, user, scope string) ([]T, error) {
	given, err := List[models.IdentityAssignment](ctx, s, map[string]any{"user_id": user, "scope": scope})
	if err != nil {
		return nil, err
	}
	out, last := []T{}, ""
	for _, a := range given {
		if a.ScopeID == last {
			continue
		}
		last = a.ScopeID
		row, err := Get[T](ctx, s, a.ScopeID)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}
