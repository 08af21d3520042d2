package tlsfile

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Private says why a file with a secret can't be used: others of this machine can read or write it, or it is not there. A group may read: keys often
// belong to root and a group of those who serve with them.
func Private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o037 != 0 {
		return fmt.Errorf("%s has mode %04o, others can read or change it: chmod 600 %[1]s", path, mode)
	}
	return nil
}

// Server makes the TLS of a server. With a clientCA nobody is let in without a certificate that it signed. The certificate is read again when its file
// has changed, so that a renewal needs no restart.
func Server(certFile, keyFile, clientCA string) (*tls.Config, error) {
	if err := Private(keyFile); err != nil {
		return nil, err
	}
	p := &pair{cert: certFile, key: keyFile}
	if _, err := p.get(nil); err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.get}
	if clientCA != "" {
		pool, err := Pool(clientCA)
		if err != nil {
			return nil, err
		}
		c.ClientCAs, c.ClientAuth = pool, tls.RequireAndVerifyClientCert
	}
	return c, nil
}

// Pool reads the certificates of authorities.
func Pool(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	}
	return pool, nil
}

// pair is a certificate with its key.
type pair struct {
	cert, key string

	mu     sync.Mutex
	looked time.Time
	read   [2]time.Time // when the files were changed that are in use
	now    *tls.Certificate
}

// lookEvery is how late a new certificate may be seen.
const lookEvery = 10 * time.Second

// get keeps the old pair while the new one can't be read: the files are written one after the other.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now != nil && time.Since(p.looked) < lookEvery {
		return p.now, nil
	}
	p.looked = time.Now()
	cert, err := os.Stat(p.cert)
	key, keyErr := os.Stat(p.key)
	if err = errors.Join(err, keyErr); err == nil {
		if changed := [2]time.Time{cert.ModTime(), key.ModTime()}; p.now == nil || changed != p.read {
			var next tls.Certificate
			if next, err = tls.LoadX509KeyPair(p.cert, p.key); err == nil {
				p.now, p.read = &next, changed
			}
		}
	}
	if p.now == nil {
		return nil, err
	}
	return p.now, nil
}
