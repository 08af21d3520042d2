package rig

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshClient keeps one connection to a node, over which many commands run. It dials anew when that is broken.
type sshClient struct {
	signer ssh.Signer
	addr   string

	mu   sync.Mutex
	conn *ssh.Client
}

const (
	dialTimeout = 20 * time.Second
	dialOnce    = 3 * time.Second
)

// session opens a session.
func (c *sshClient) session() (*ssh.Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		if s, err := c.conn.NewSession(); err == nil {
			return s, nil
		}
		c.conn.Close()
		c.conn = nil
	}
	deadline := time.Now().Add(dialTimeout)
	for {
		conn, err := c.dial()
		if err == nil {
			c.conn = conn
			return conn.NewSession()
		}
		var refused *net.OpError
		if !errors.As(err, &refused) || time.Now().After(deadline) {
			return nil, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (c *sshClient) dial() (*ssh.Client, error) {
	conn, err := net.DialTimeout("tcp", c.addr, dialOnce)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	config := &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(c.signer)},
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, // the only key that dropbear is given; it breaks when asked for another
		HostKeyCallback:   ssh.InsecureIgnoreHostKey(),  // a bridge of our own has nobody in the middle
	}
	sc, chans, reqs, err := ssh.NewClientConn(conn, c.addr, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("logging in at %s: %w", c.addr, err), conn.Close())
	}
	return ssh.NewClient(sc, chans, reqs), conn.SetDeadline(time.Time{})
}

// close hangs up; the next session dials anew.
func (c *sshClient) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
