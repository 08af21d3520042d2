package policy

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// Whatever a rule says, it is either understood, or refused with words; a rule that is understood answers.
func FuzzRule(f *testing.F) {
	for _, o := range Table() {
		f.Add(o.Default)
	}
	for _, s := range []string{"", "@", "!", "not (a:b or c", "'x':%(user_id)s", "a:%%%(", "((", "http:x", "role:%(project_id)s-%(user_id)s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseRule(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without words")
			}
			return
		}
		links := false
		each(c, func(c check) {
			switch c.(type) {
			case *reference, *isAdmin:
				links = true
			}
		})
		if !links {
			c.holds(&Creds{Roles: []string{"a"}}, &Target{})
			c.holds(&Creds{UserID: "u", ProjectID: "p"}, &Target{UserID: "u", ProjectID: "p"})
		}
	})
}

// Whatever a file holds, it is a complete policy, or problems that say where.
func FuzzFile(f *testing.F) {
	raw, err := os.ReadFile("testdata/policy.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw))
	f.Add("{\t\"volume:get\": [[\"role:admin\"], []]}")
	f.Add("a: &x rule:b\nb: *x\n<<: {c: d}")
	f.Add("? {}\n: ''\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse([]byte(text), "f")
		if err == nil {
			for _, o := range Table() {
				r.Allowed(Creds{UserID: "u", ProjectID: "p", Roles: []string{"member"}}, o.Name, Target{ProjectID: "p"})
			}
			return
		}
		var problems Problems
		if r != nil || !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("rules %v, error %v", r, err)
		}
		for _, p := range problems {
			if !strings.HasPrefix(p.Where, "f") || p.Text == "" {
				t.Fatalf("a problem does not say where or what: %#v", p)
			}
		}
	})
}
