package policy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// holds parses a rule that refers to no other, and asks it.
func holds(t *testing.T, text string, who Creds, target Target) bool {
	t.Helper()
	r, err := Parse([]byte("volume:get: "+quoted(text)), "f")
	require.NoError(t, err, text)
	return r.Allowed(who, "volume:get", target)
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func TestGrammar(t *testing.T) {
	who := Creds{UserID: "u", UserDomainID: "ud", ProjectID: "p", ProjectDomainID: "pd", Roles: []string{"member", "reader"}, ServiceRoles: []string{"service"}}
	target := Target{ProjectID: "p", UserID: "other"}
	for text, want := range map[string]bool{
		"":                                          true,
		"@":                                         true,
		"!":                                         false,
		"role:member":                               true,
		"role:MEMBER":                               true,
		"role:admin":                                false,
		"not role:admin":                            true,
		"NOT role:admin":                            true,
		"not not role:admin":                        false,
		"role:admin or role:member":                 true,
		"role:admin OR role:member":                 true,
		"role:reader and role:member":               true,
		"role:reader and role:admin":                false,
		"role:admin and ! or @":                     true,
		"@ or role:admin and !":                     true,
		"(@ or role:admin) and !":                   false,
		"( @ or role:admin ) and !":                 false,
		"not role:admin and !":                      false,
		"not (role:admin and !)":                    true,
		"! or not ! and @":                          true,
		"((role:member))":                           true,
		"project_id:%(project_id)s":                 true,
		"(project_id:%(project_id)s)":               true,
		"tenant_id:%(tenant_id)s":                   true,
		"project_id:p":                              true,
		"user_id:%(user_id)s":                       false,
		"user_id:u and user:u":                      true,
		"user_domain_id:ud":                         true,
		"project_domain_id:pd":                      true,
		"domain_id:%(domain_id)s":                   false,
		"system_scope:all":                          false,
		"is_admin:True":                             false,
		"is_admin:False":                            true,
		"is_admin_project:True":                     true,
		"service_roles:service":                     true,
		"roles:reader":                              true,
		"'p':%(project_id)s":                        true,
		`"p":%(project_id)s`:                        true,
		"'q':%(project_id)s":                        false,
		"True:%(project_id)s":                       false,
		"role:%(project_id)s":                       false,
		"'x-p-y':x-%(project_id)s-y":                true,
		"'100%':100%%":                              true,
		"'d':%(domain_id)s":                         false,
		"rule:admin_or_owner":                       true,
		"rule:admin_api or not rule:admin_or_owner": false,
	} {
		require.Equal(t, want, holds(t, text, who, target), text)
	}
}

func TestGrammarRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"role:admin or":                      "ends where a check should follow",
		"not":                                "ends where a check should follow",
		"and role:admin":                     `"and" stands where`,
		"role:admin role:member":             `"role:member": there should be "and" or "or" before it`,
		"(role:admin":                        "not closed",
		"role:admin)":                        `")": there should be`,
		"()":                                 `")" stands where`,
		"admin":                              "is no check",
		"role:":                              "is no check",
		":admin":                             "is no check",
		"roel:admin":                         `no check "roel"`,
		"http://policy.example.org/%(x)s":    "not supported",
		"https://policy.example.org":         "not supported",
		"project_id:%(projekt_id)s":          `no "projekt_id"; it has domain_id, project_id, tenant_id, user_id`,
		"project_id:%project_id":             "begins a field",
		"project_id:%(project_id":            "begins a field",
		"is_admin:true":                      "is_admin is True or False",
		"rule:nothing":                       "rule:nothing, which there is not",
		"rule:admin_ap":                      `did you mean "admin_api"?`,
		"rule:volume:get":                    "in a circle: volume:get -> volume:get",
		strings.Repeat("(", 200):             "more than 100 deep",
		strings.Repeat("not ", 200) + "@":    "more than 100 deep",
		strings.Repeat("@ or ", 14000) + "@": "at most 65536",
	} {
		_, err := Parse([]byte("volume:get: "+quoted(text)), "f")
		require.ErrorContains(t, err, want, clip(text))
		require.ErrorContains(t, err, "f:1: ", clip(text))
	}
}

func TestLists(t *testing.T) {
	for text, want := range map[string]bool{
		`[]`:                                true,
		`[[]]`:                              false,
		`[["role:admin"], ["role:member"]]`: true,
		`[["role:admin", "role:member"]]`:   false,
		`[["role:reader", "role:member"]]`:  true,
		`["role:admin", "role:member"]`:     true,
		`[["!"], []]`:                       false,
		`[["rule:admin_or_owner"]]`:         true,
	} {
		r, err := Parse([]byte("volume:get: "+text), "f")
		require.NoError(t, err, text)
		require.Equal(t, want, r.Allowed(with("member", "reader"), "volume:get", Target{ProjectID: home}), text)

		// What is listed as its text means the same.
		shown, _ := r.Text("volume:get")
		require.Equal(t, want, holds(t, shown, with("member", "reader"), Target{ProjectID: home}), shown)
	}
	for _, text := range []string{`[1]`, `[[1]]`, `[[["role:admin"]]]`, `[["role:admin or role:member"]]`, `[{a: b}]`} {
		_, err := Parse([]byte("volume:get: "+text), "f")
		require.ErrorContains(t, err, "f:1: ", text)
	}
}
