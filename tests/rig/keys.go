package rig

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
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
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return err
	}
	n.client = &sshClient{signer: signer, addr: n.Addr + ":22"}
	return errors.Join(
		os.WriteFile(n.key(), pem.EncodeToMemory(block), 0o600),
		os.WriteFile(filepath.Join(n.dir, "authorized_keys"), ssh.MarshalAuthorizedKey(signer.PublicKey()), 0o600))
}

func (n *Node) key() string { return filepath.Join(n.dir, "key") }

// Login is the command by which a person logs in.
func (n *Node) Login() string {
	return "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=error -o HostKeyAlgorithms=ssh-ed25519 -i " +
		n.key() + " root@" + n.Addr
}
