package rig

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// makeKeys makes the node's host key and the key by which the test logs in.
func (n *Node) makeKeys() error {
	out, err := exec.Command(find("dropbearkey"), "-t", "ed25519", "-f", filepath.Join(n.dir, "hostkey")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("dropbearkey: %w: %s", err, out)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return err
	}
	n.client = &sshClient{signer: signer, addr: n.Addr + ":22"}
	return os.WriteFile(filepath.Join(n.dir, "authorized_keys"), ssh.MarshalAuthorizedKey(signer.PublicKey()), 0o600)
}
