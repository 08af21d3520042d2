package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// banner is what `up` tells once everything answers.
type banner struct {
	API, Temporal, UI, State string
	Took                     time.Duration
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
  Temporal            %s
  Temporal Web UI     %s
  State               %s

Try, in another terminal:

  source %s
  bin/clinker volume create --size 1 --wait first
  cinder list        # Debian: apt install python3-cinderclient

Ctrl-C stops it; nothing is lost, and the next start goes on.
`, b.Took.Seconds(), b.API, b.Temporal, ui, b.State, filepath.Join(b.State, "openrc"))
}

// writeClientFiles writes what makes `cinder`, `openstack` and `clinker` talk to this API: openrc with the variables, and
// clouds.yaml for openstackclient, whose `volume create` asks for an image service unless it is told that there is none.
func (b banner) writeClientFiles(state string) error {
	openrc := fmt.Sprintf(`# Written by clinkerd up: source it to talk to this Clinker.
export OS_AUTH_TYPE=noauth
export OS_ENDPOINT=%[1]s/v3
export CINDER_ENDPOINT=%[1]s/v3/%[2]s
export OS_USER_ID=admin
export OS_PROJECT_ID=%[2]s
export OS_VOLUME_API_VERSION=3.70
export OS_CLIENT_CONFIG_FILE=%[3]s
`, b.API, demoProject, filepath.Join(state, "clouds.yaml"))
	clouds := fmt.Sprintf(`# Written by clinkerd up: openstack --os-cloud clinker volume list
clouds:
  clinker:
    auth_type: noauth
    auth: {endpoint: "%s/v3", user_id: admin, project_id: %s}
    volume_api_version: "3"
    has_image: false
`, b.API, demoProject)
	for name, text := range map[string]string{"openrc": openrc, "clouds.yaml": clouds} {
		if err := os.WriteFile(filepath.Join(state, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("--state-dir: %w", err)
		}
	}
	return nil
}
