package policy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	home   = "11111111111111111111111111111111"
	abroad = "22222222222222222222222222222222"
)

// with are a caller's credentials in the project home, with the roles that Keystone implies written out.
func with(roles ...string) Creds { return Creds{UserID: "u1", ProjectID: home, Roles: roles} }

// personas are whom the defaults are tried with.
var personas = []struct {
	name  string
	creds Creds
	// may tells which of the defaults the persona passes in its own project, and everywhere else.
	home, abroad []string
}{
	{"nobody", Creds{}, []string{forAll}, []string{forAll}},
	{"no role", with(), []string{forAll}, []string{forAll}},
	{"an unknown role", with("auditor"), []string{forAll}, []string{forAll}},
	{"service", with("service"), []string{forAll}, []string{forAll}},
	{"reader", with("reader"), []string{forAll, forReader}, []string{forAll}},
	{"member", with("member", "reader"), []string{forAll, forReader, forMember}, []string{forAll}},
	{"manager", with("manager", "member", "reader"), []string{forAll, forReader, forMember}, []string{forAll}},
	{"admin", with("admin", "manager", "member", "reader"), []string{forAll, forReader, forMember, forAdmin}, []string{forAll, forReader, forMember, forAdmin}},
	{"admin alone", with("admin"), []string{forAll, forReader, forMember, forAdmin}, []string{forAll, forReader, forMember, forAdmin}},
	{"Admin in capitals", with("Admin"), []string{forAll, forReader, forMember, forAdmin}, []string{forAll, forReader, forMember, forAdmin}},
	{
		"system admin",
		Creds{UserID: "u2", SystemScope: "all", Roles: []string{"admin", "member", "reader"}},
		[]string{forAll, forReader, forMember, forAdmin},
		[]string{forAll, forReader, forMember, forAdmin},
	},
	{"system reader", Creds{UserID: "u3", SystemScope: "all", Roles: []string{"reader"}}, []string{forAll}, []string{forAll}},
	{"domain member", Creds{UserID: "u4", DomainID: "d", Roles: []string{"member", "reader"}}, []string{forAll}, []string{forAll}},
	{
		"noauth",
		Creds{UserID: "u5", ProjectID: home, Admin: true, Roles: []string{"admin", "member", "reader"}},
		[]string{forAll, forReader, forMember, forAdmin},
		[]string{forAll, forReader, forMember, forAdmin},
	},
}

// Every operation, with every persona, on things of its own project, of another and of none.
func TestDefaults(t *testing.T) {
	rules := Defaults()
	for _, p := range personas {
		t.Run(p.name, func(t *testing.T) {
			for _, o := range Table() {
				if o.Base {
					continue
				}
				require.Contains(t, []string{forAll, forReader, forMember, forAdmin}, o.Default, o.Name)
				for target, may := range map[Target][]string{
					{ProjectID: home, UserID: "somebody"}:   p.home,
					{ProjectID: abroad, UserID: "somebody"}: p.abroad,
					{}:                                      p.abroad,
				} {
					want := false
					for _, def := range may {
						want = want || def == o.Default
					}
					require.Equal(t, want, rules.Allowed(p.creds, o.Name, target), "%s on %+v", o.Name, target)
				}
			}
		})
	}
}

func TestWhoIsAdmin(t *testing.T) {
	rules := Defaults()
	require.True(t, rules.Admin(with("admin")))
	require.True(t, rules.Admin(Creds{Admin: true}))
	require.False(t, rules.Admin(with("member", "reader")))
	require.False(t, rules.Admin(Creds{}))

	mine, err := Parse([]byte(`context_is_admin: "role:storage_admin"`), "f")
	require.NoError(t, err)
	require.True(t, mine.Admin(with("storage_admin")))
	require.False(t, mine.Admin(with("member")))
	require.True(t, mine.Allowed(with("storage_admin"), "volume_extension:services:index", Target{}))
}

func TestUnknownOperationIsRefused(t *testing.T) {
	require.False(t, Defaults().Allowed(with("admin"), "volume:creat", Target{}))
}

// Whoever asks has no project and the thing has none: that is no match.
func TestNothingIsNotEqualToNothing(t *testing.T) {
	rules, err := Parse([]byte("volume:get: project_id:%(project_id)s or user_id:%(user_id)s or domain_id:%(domain_id)s"), "f")
	require.NoError(t, err)
	require.False(t, rules.Allowed(Creds{}, "volume:get", Target{}))
}

func BenchmarkAllowed(b *testing.B) {
	rules, who := Defaults(), with("member", "reader")
	target := who.Own()
	b.ReportAllocs()
	for b.Loop() {
		if !rules.Allowed(who, "volume:get", target) {
			b.Fatal("refused")
		}
	}
}
