package rig

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// SwiftServer is OpenStack's object store, Swift, with one copy of everything and tempauth. Its processes listen at
// addresses of this machine's loopback.
type SwiftServer struct {
	AuthURL   string // "http://127.97.1.1:8080/auth/v1.0"
	S3URL     string // the same objects by S3, with User and Key for the access key and its secret
	User, Key string // of an account's administrator

	t     T
	dir   string
	addr  string
	ns    *namespace
	procs map[string]*process
}

const (
	swiftConf = `[swift-hash]
swift_hash_path_suffix = x
swift_hash_path_prefix = y
[storage-policy:0]
name = p0
default = yes
`
	swiftNodeConf = `[DEFAULT]
bind_ip = %s
bind_port = %d
workers = 0
user = root
devices = %s
mount_check = false
swift_dir = /etc/swift
[pipeline:main]
pipeline = %[4]s-server
[app:%[4]s-server]
use = egg:swift#%[4]s
[%[4]s-replicator]
[%[4]s-updater]
[%[4]s-auditor]
`
	swiftProxyConf = `[DEFAULT]
bind_ip = %[1]s
bind_port = 8080
workers = 0
user = root
swift_dir = /etc/swift
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck proxy-logging cache s3api tempauth proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
# There is one copy: a slow answer on a busy machine shall not put its server on the list of those not to be asked.
error_suppression_limit = 1000000
conn_timeout = 20
node_timeout = 60
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
storage_url_scheme = http
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
# Large uploads in parts would need another filter; nothing here makes any.
allow_multipart_uploads = false
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = %[1]s:11211
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:proxy-logging]
use = egg:swift#proxy_logging
`
)

// swiftParts are the servers behind the proxy, by their ports.
var swiftParts = map[string]int{"account": 6202, "container": 6201, "object": 6200}

// Swift starts a Swift with this many bytes of room, at least 300 MiB. It goes at the end of the test.
func Swift(t T, size int64) *SwiftServer {
	t.Helper()
	needs(t, "swift-proxy-server", "swift-account-server", "swift-container-server", "swift-object-server", "swift-ring-builder", "memcached", "mkfs.xfs", "unshare", "nsenter")
	s := open(t)
	dir, number := s.folder(t, "swift")
	addr := fmt.Sprintf("127.97.%d.%d", s.number, number)
	w := &SwiftServer{t: t, dir: dir, addr: addr, AuthURL: "http://" + addr + ":8080/auth/v1.0", S3URL: "http://" + addr + ":8080", User: "test:tester", Key: "testing", procs: map[string]*process{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the logs of Swift:\n%s", lastLines(w.log("proxy"), 20))
		}
	})
	if err := w.prepare(size); err != nil {
		t.Fatalf("preparing Swift: %v", err)
	}
	w.Start()
	return w
}

func (w *SwiftServer) log(name string) string { return filepath.Join(w.dir, name+".log") }

func (w *SwiftServer) prepare(size int64) error {
	var err error
	if w.ns, err = newNamespace(w.dir, "/etc/swift"); err != nil {
		return err
	}
	devices := filepath.Join(w.dir, "devices")
	if err := os.Mkdir(devices, 0o755); err != nil {
		return err
	}
	if err := w.ns.mountImage(filepath.Join(devices, "d1"), size); err != nil {
		return err
	}
	if err := os.WriteFile(w.ns.path("/etc/swift/swift.conf"), []byte(swiftConf), 0o600); err != nil {
		return err
	}
	for name, port := range swiftParts {
		conf := fmt.Sprintf(swiftNodeConf, w.addr, port, devices, name)
		if err := os.WriteFile(filepath.Join(w.dir, name+".conf"), []byte(conf), 0o600); err != nil {
			return err
		}
		ring := "/etc/swift/" + name + ".builder"
		for _, args := range [][]string{
			{"create", "6", "1", "0"}, {"add", fmt.Sprintf("r1z1-%s:%d/d1", w.addr, port), "1"}, {"rebalance"},
		} {
			if _, err := output(w.ns.entered(append([]string{find("swift-ring-builder"), ring}, args...)...)...); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(w.dir, "proxy.conf"), fmt.Appendf(nil, swiftProxyConf, w.addr), 0o600)
}

// Start starts what does not run, first or again.
func (w *SwiftServer) Start() {
	w.t.Helper()
	if err := w.start(); err != nil {
		w.t.Fatalf("starting Swift: %v: %s", err, lastLines(w.log("proxy"), 5))
	}
}

func (w *SwiftServer) start() error {
	commands := map[string][]string{
		"memcached": {find("memcached"), "-u", "root", "-l", w.addr, "-p", "11211", "-m", "32"},
		"proxy":     {find("swift-proxy-server"), filepath.Join(w.dir, "proxy.conf"), "-v"},
	}
	for name := range swiftParts {
		commands[name] = []string{find("swift-" + name + "-server"), filepath.Join(w.dir, name+".conf"), "-v"}
	}
	// The proxy last: a Swift that is half there takes requests and refuses them.
	for _, name := range []string{"memcached", "account", "container", "object", "proxy"} {
		if p := w.procs[name]; p != nil && p.running() {
			continue
		}
		if name == "proxy" {
			if err := eventually(2*time.Minute, "the servers behind Swift's proxy", w.listening); err != nil {
				return err
			}
		}
		p, err := launch(w.dir, w.log(name), nil, w.ns.entered(commands[name]...)...)
		if err != nil {
			return err
		}
		w.procs[name] = p
	}
	return eventually(2*time.Minute, "Swift", func() error {
		for name, p := range w.procs {
			if !p.running() {
				return fmt.Errorf("%s ended: %w", name, p.err)
			}
		}
		return w.authenticates()
	})
}

// listening tells whether those that the proxy asks are there.
func (w *SwiftServer) listening() error {
	for _, port := range slices.Concat(slices.Collect(maps.Values(swiftParts)), []int{11211}) {
		conn, err := net.Dial("tcp", net.JoinHostPort(w.addr, strconv.Itoa(port)))
		if err != nil {
			return err
		}
		conn.Close()
	}
	return nil
}

// authenticates tells whether the proxy lets the user in and its account can be looked at, for which all parts must run.
func (w *SwiftServer) authenticates() error {
	req, err := http.NewRequest(http.MethodGet, w.AuthURL, nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Auth-User", w.User)
	req.Header.Set("X-Auth-Key", w.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the login answers %s", resp.Status)
	}
	if req, err = http.NewRequest(http.MethodPut, resp.Header.Get("X-Storage-Url")+"/ready", nil); err != nil {
		return err
	}
	req.Header.Set("X-Auth-Token", resp.Header.Get("X-Auth-Token"))
	if resp, err = http.DefaultClient.Do(req); err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("a new container is answered with %s", resp.Status)
	}
	return nil
}

// Running tells whether clients find somebody there.
func (w *SwiftServer) Running() bool { return w.procs["proxy"].running() }

// Kill kills all of it, the proxy first: clients find nobody there, and later that their logins are forgotten. What was stored stays.
func (w *SwiftServer) Kill() {
	w.t.Helper()
	for _, name := range []string{"proxy", "object", "container", "account", "memcached"} {
		if err := w.procs[name].kill(); err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
	}
}
