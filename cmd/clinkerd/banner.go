package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/clinker-storage/clinker/internal/durable"
	"github.com/clinker-storage/clinker/internal/identity"
)

// banner is what `up` tells once everything answers.
type banner struct {
	API, Temporal, UI, State string
	Took                     time.Duration
	// Embedded is set where users log in. Password is admin's, as far as it is known here; Fresh where it was made just now.
	Embedded bool
	Password string
	Fresh    bool
}

const demoProject = "demo"

func (b banner) print(w io.Writer) {
	ui := b.UI
	if ui == "" {
		ui = "off"
	}
	fmt.Fprintf(w, `
Clinker is up (%.1f s).

  Block Storage API   %s/v3
%s  Temporal            %s
  Temporal Web UI     %s
  State               %s

Try, in another terminal:

  source %s
  bin/clinker volume create --size 1 --wait first
  cinder list        # Debian: apt install python3-cinderclient

Ctrl-C stops it; nothing is lost, and the next start goes on.
`, b.Took.Seconds(), b.API, b.login(), b.Temporal, ui, b.State, filepath.Join(b.State, "openrc"))
}

// login says how to log in; the password is shown when it is new, and never again.
func (b banner) login() string {
	if !b.Embedded {
		return ""
	}
	text := fmt.Sprintf("  Identity API        %s/identity/v3\n", b.API)
	if b.Fresh {
		text += fmt.Sprintf("  Login               user admin, project demo, password %s\n                      (not shown again; it is in openrc, which only you can read)\n", b.Password)
	}
	return text
}

// writeClientFiles writes what makes `cinder`, `openstack` and `clinker` talk to this API: openrc with the variables, and
// clouds.yaml for openstackclient, whose `volume create` asks for an image service unless it is told that there is none.
// Only their owner can read them.
func (b banner) writeClientFiles(state string) error {
	vars, auth := b.noauth()
	if b.Embedded {
		vars, auth = b.password()
	}
	openrc := "# Written by clinkerd up: source it to talk to this Clinker.\n" + vars +
		"export OS_VOLUME_API_VERSION=3.70\nexport OS_CLIENT_CONFIG_FILE=" + filepath.Join(state, "clouds.yaml") + "\n"
	clouds := "# Written by clinkerd up: openstack --os-cloud clinker volume list\nclouds:\n  clinker:\n" + auth +
		"    volume_api_version: \"3\"\n    has_image: false\n"
	for name, text := range map[string]string{"openrc": openrc, "clouds.yaml": clouds} {
		if err := durable.Replace(filepath.Join(state, name), []byte(text)); err != nil {
			return fmt.Errorf("--state-dir: %w", err)
		}
	}
	return nil
}

func (b banner) noauth() (vars, auth string) {
	vars = fmt.Sprintf(`export OS_AUTH_TYPE=noauth
export OS_ENDPOINT=%[1]s/v3
export CINDER_ENDPOINT=%[1]s/v3/%[2]s
export OS_USER_ID=admin
export OS_PROJECT_ID=%[2]s
`, b.API, demoProject)
	return vars, fmt.Sprintf("    auth_type: noauth\n    auth: {endpoint: \"%s/v3\", user_id: admin, project_id: %s}\n", b.API, demoProject)
}

// password is the login of admin. What sourced another openrc before must not get in its way.
func (b banner) password() (vars, auth string) {
	var v strings.Builder
	v.WriteString("unset OS_ENDPOINT CINDER_ENDPOINT OS_USER_ID OS_PROJECT_ID OS_TOKEN OS_CLOUD\n")
	for _, p := range [][2]string{
		{"AUTH_TYPE", "password"},
		{"AUTH_URL", b.API + "/identity/v3"},
		{"IDENTITY_API_VERSION", "3"},
		{"USERNAME", identity.AdminUser},
		{"PASSWORD", b.Password},
		{"PROJECT_NAME", demoProject},
		{"USER_DOMAIN_ID", identity.DefaultDomain},
		{"PROJECT_DOMAIN_ID", identity.DefaultDomain},
		{"REGION_NAME", identity.Region},
	} {
		if p[1] != "" {
			fmt.Fprintf(&v, "export OS_%s=%s\n", p[0], p[1])
		}
	}
	given := ""
	if b.Password != "" {
		given = "\n      password: " + b.Password
	}
	return v.String(), fmt.Sprintf(`    auth:
      auth_url: %s/identity/v3
      username: %s%s
      project_name: %s
      user_domain_id: %s
      project_domain_id: %[5]s
    region_name: %s
    identity_api_version: 3
`, b.API, identity.AdminUser, given, demoProject, identity.DefaultDomain, identity.Region)
}
