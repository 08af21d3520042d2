package targettest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers/targets"
	"github.com/clinker-storage/clinker/internal/execx"
)

// patience is how long an access may take. libiscsi goes on logging in when its target is gone; who waits longer than this
// has no answer coming.
const patience = 8 * time.Second

var errNoAnswer = errors.New("no answer from the target")

// LibISCSI is Options.Login by libiscsi: qemu-io holds the session, as QEMU does for a guest; iscsi-inq and iscsi-readcapacity16
// look from outside. It needs no rights, and the packages qemu-utils, qemu-block-extra and libiscsi-bin.
func LibISCSI(t *testing.T, info targets.ConnectionInfo, initiator, portal string) (Disk, error) {
	text := func(key string) string { s, _ := info.Data[key].(string); return s }
	dir := t.TempDir()
	d := &qemuIO{
		dir: dir, initiator: initiator, user: text("auth_username"), password: text("auth_password"),
		url: fmt.Sprintf("iscsi://%s/%s/%v", portal, text("target_iqn"), info.Data["target_lun"]), closed: make(chan struct{}),
	}
	// By a file, because all users of the machine read arguments.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "password"), []byte(d.password), 0o600))
	image := fmt.Sprintf(
		"driver=raw,cache.direct=on,file.driver=iscsi,file.transport=tcp,file.portal=%s,file.target=%s,file.lun=%v,file.initiator-name=%s",
		portal, text("target_iqn"), info.Data["target_lun"], initiator,
	)
	args := []string{"--image-opts", image}
	if d.user != "" {
		args = []string{"--object", "secret,id=chap,file=" + filepath.Join(dir, "password"), "--image-opts", image + ",file.user=" + d.user + ",file.password-secret=chap"}
	}
	if err := d.start(args); err != nil {
		return nil, err
	}
	t.Cleanup(func() { d.Close() })
	if _, err := d.ask("length"); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// qemuIO is a qemu-io that runs as long as the session should.
type qemuIO struct {
	dir, url, initiator, user, password string

	mu      sync.Mutex
	in      *os.File
	answers chan string
	said    bytes.Buffer // of the program's end, for errors
	cancel  context.CancelFunc
	ended   chan struct{}
	once    sync.Once
	closed  chan struct{}
}

var runner = execx.New(nil)

func (d *qemuIO) start(args []string) error {
	// A file and not an io.Pipe: the end of a program whose input is copied is seen when the copying ends.
	stdin, in, err := os.Pipe()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel, d.ended, d.answers = cancel, make(chan struct{}), make(chan string, 1)
	out, stdout := io.Pipe()
	d.in = in
	go func() {
		defer close(d.ended)
		result, err := runner.Run(ctx, execx.Command{Name: "qemu-io", Args: args, Stdin: stdin, Stdout: stdout, Dir: d.dir})
		if err != nil {
			d.said.Write(result.Stderr)
		}
		stdin.Close()
		stdout.Close()
	}()
	go func() {
		defer close(d.answers)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 16<<20)
		s.Split(prompts)
		s.Scan() // the first prompt says that it is logged in
		for s.Scan() {
			d.answers <- s.Text()
		}
	}()
	return nil
}

// ask gives a command and returns what was said before the next prompt.
func (d *qemuIO) ask(command string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// One line at a time: qemu-io looks for input at its file, and not at what it has read ahead.
	go fmt.Fprintln(d.in, command)
	select {
	case answer, ok := <-d.answers:
		if !ok {
			<-d.ended
			return "", fmt.Errorf("%w: qemu-io: %s", errNoAnswer, strings.TrimSpace(d.said.String()))
		}
		return strings.TrimSpace(answer), nil
	case <-d.closed:
		return "", os.ErrClosed
	case <-time.After(patience):
		return "", errNoAnswer
	}
}

// prompts splits at qemu-io's prompt, which ends no line.
func prompts(data []byte, atEOF bool) (int, []byte, error) {
	const prompt = "qemu-io> "
	if i := bytes.Index(data, []byte(prompt)); i >= 0 {
		return i + len(prompt), data[:i], nil
	}
	if atEOF {
		return len(data), nil, nil
	}
	return 0, nil, nil
}

func (d *qemuIO) WriteAt(p []byte, off int64) (int, error) {
	f, err := os.CreateTemp(d.dir, "pattern")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(p)
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	answer, err := d.ask(fmt.Sprintf("write -s %s %d %d", f.Name(), off, len(p)))
	if err == nil && !strings.HasPrefix(answer, fmt.Sprintf("wrote %d/%d bytes", len(p), len(p))) {
		err = fmt.Errorf("write: %s", answer)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (d *qemuIO) ReadAt(p []byte, off int64) (int, error) {
	answer, err := d.ask(fmt.Sprintf("read -v %d %d", off, len(p)))
	if err != nil {
		return 0, err
	}
	n := 0
	for line := range strings.SplitSeq(answer, "\n") {
		// "00000000:  41 41 ...  AA..."
		address, rest, ok := strings.Cut(line, ":  ")
		if _, err := strconv.ParseUint(address, 16, 64); !ok || err != nil || len(rest) < 47 {
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(rest[:47], " ", ""))
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b)
	}
	if n < len(p) {
		return n, fmt.Errorf("read: %.200s", answer)
	}
	return n, nil
}

// tool runs one of libiscsi's programs in a session of its own.
func (d *qemuIO) tool(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := runner.Run(ctx, execx.Command{
		Name: args[0], Args: append(args[1:], "-i", d.initiator, d.url),
		Env: []string{"LIBISCSI_CHAP_USERNAME=" + d.user, "LIBISCSI_CHAP_PASSWORD=" + d.password},
	})
	return string(result.Stdout), err
}

func (d *qemuIO) Size() (int64, error) {
	out, err := d.tool("iscsi-readcapacity16")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(out, "Total size:")
	return strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
}

// Serial reads the unit serial number (VPD page 0x80) and the name by vendor (of page 0x83).
func (d *qemuIO) Serial() (string, error) {
	serial, err := d.tool("iscsi-inq", "-e", "1", "-c", "128")
	if err != nil {
		return "", err
	}
	identity, err := d.tool("iscsi-inq", "-e", "1", "-c", "131")
	_, named, _ := strings.Cut(identity, "T10_VENDORT_ID\n")
	return serial + named, err
}

// Close logs out, or ends a program that can't.
func (d *qemuIO) Close() error {
	d.once.Do(func() {
		close(d.closed)
		d.mu.Lock()
		go d.in.Close()
		d.mu.Unlock()
		select {
		case <-d.ended:
		case <-time.After(time.Second):
			d.cancel()
			<-d.ended
		}
		d.cancel()
	})
	return nil
}
