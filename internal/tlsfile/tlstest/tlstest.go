// Package tlstest makes certificates for tests: an authority, and what it signs for 127.0.0.1.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// CA is an authority.
type CA struct {
	File string // its certificate
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	made int64
}

// New makes an authority.
func New(t testing.TB) *CA {
	t.Helper()
	c := &CA{dir: t.TempDir(), made: 1}
	var err error
	c.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der := c.sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, "authority", &c.key.PublicKey)
	c.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	c.File = c.write(t, "ca.pem", "CERTIFICATE", der)
	return c
}

func (c *CA) sign(t testing.TB, template *x509.Certificate, name string, public *ecdsa.PublicKey) []byte {
	c.made++
	template.SerialNumber = big.NewInt(c.made)
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	parent := c.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, c.key)
	require.NoError(t, err)
	return der
}

func (c *CA) write(t testing.TB, name, kind string, der []byte) string {
	path := filepath.Join(c.dir, name)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

// Issue makes a certificate that serves at 127.0.0.1 and localhost, and is a client's as well; the files are in PEM.
func (c *CA) Issue(t testing.TB, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der := c.sign(t, &x509.Certificate{
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, name, &key.PublicKey)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file := filepath.Base(name) + "-" + big.NewInt(c.made).String()
	return c.write(t, file+".pem", "CERTIFICATE", der), c.write(t, file+".key", "PRIVATE KEY", private)
}

// Pair is Issue in memory.
func (c *CA) Pair(t testing.TB, name string) tls.Certificate {
	t.Helper()
	certFile, keyFile := c.Issue(t, name)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	return pair
}

// Pool holds the authority.
func (c *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.cert)
	return pool
}
