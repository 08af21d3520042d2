package tgt

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/drivers"
	"github.com/clinker-storage/clinker/drivers/targets"
)

// daemon is a socket at which answer is given each request whole.
func daemon(t *testing.T, answer func(head request, arguments string, conn net.Conn)) client {
	dir, err := os.MkdirTemp("", "tgt") // a socket's path is short
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				var head request
				if binary.Read(conn, binary.NativeEndian, &head) != nil {
					return
				}
				arguments := make([]byte, int(head.Length)-binary.Size(head))
				if _, err := io.ReadFull(conn, arguments); err == nil {
					answer(head, string(arguments), conn)
				}
			}()
		}
	}()
	return client{socket}
}

func say(conn net.Conn, code status, text string) {
	binary.Write(conn, binary.NativeEndian, response{uint32(code), uint32(8 + len(text))})
	io.WriteString(conn, text)
}

// The struct is the one that a C compiler lays out for tgtadm.h: no holes, and this size, on 64-bit machines.
func TestRequestLayout(t *testing.T) {
	require.Equal(t, 4+4+64+4+4+8+8+6*4, binary.Size(request{}))
	var b bytes.Buffer
	require.NoError(t, binary.Write(&b, binary.LittleEndian, request{Mode: modeAccount, Op: opUpdate, Length: 0x11, Target: -1, Sid: 2, LUN: 3, Force: 9}))
	raw := b.Bytes()
	require.EqualValues(t, 7, raw[0])
	require.EqualValues(t, 5, raw[4])
	require.EqualValues(t, 0x11, raw[72])
	require.Equal(t, []byte{0xff, 0xff, 0xff, 0xff}, raw[76:80])
	require.EqualValues(t, 2, raw[80])
	require.EqualValues(t, 3, raw[88])
	require.EqualValues(t, 9, raw[116])
}

func TestExchange(t *testing.T) {
	c := daemon(t, func(head request, arguments string, conn net.Conn) {
		require.Equal(t, "iscsi", string(bytes.TrimRight(head.Driver[:], "\x00")))
		require.Equal(t, "portal=x\x00", arguments)
		say(conn, 0, "done\x00")
	})
	text, err := exchange(t.Context(), c.socket, request{Mode: modePortal, Op: opNew}, "portal=x")
	require.NoError(t, err)
	require.Equal(t, "done", text)

	_, err = exchange(t.Context(), c.socket, request{}, string(make([]byte, 9000)))
	require.ErrorContains(t, err, "tgtd takes 8192")
}

func TestExchangeFails(t *testing.T) {
	const secret = "user=u,password=hush"
	for _, test := range []struct {
		name   string
		answer func(head request, arguments string, conn net.Conn)
		class  error
		says   string
		hint   string
	}{
		{"a status", func(_ request, _ string, c net.Conn) { say(c, 17, "") }, drivers.ErrUnavailable, "tgtd says: invalid request", "journalctl"},
		{"a new status", func(_ request, _ string, c net.Conn) { say(c, 99, "") }, drivers.ErrUnavailable, "tgtd says: error 99", "journalctl"},
		{"in use", func(_ request, _ string, c net.Conn) { say(c, lunActive, "") }, drivers.ErrBusy, "the LUN is in use", "logged in"},
		{"no answer", func(_ request, _ string, c net.Conn) {}, drivers.ErrUnavailable, "unexpected EOF", "does not answer"},
		{"a cut answer", func(_ request, _ string, c net.Conn) {
			binary.Write(c, binary.NativeEndian, response{0, 100})
		}, drivers.ErrUnavailable, "EOF", ""},
		{"a wrong length", func(_ request, _ string, c net.Conn) {
			binary.Write(c, binary.NativeEndian, response{0, 1})
		}, drivers.ErrUnavailable, "announces", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := daemon(t, test.answer)
			err := c.do(t.Context(), "make the account", request{Mode: modeAccount}, secret)
			require.ErrorIs(t, err, test.class)
			require.ErrorContains(t, err, test.says)
			require.Contains(t, drivers.Hint(err), test.hint)
			require.NotContains(t, err.Error()+drivers.Hint(err), "hush")
		})
	}
	c := daemon(t, func(_ request, _ string, c net.Conn) { say(c, noUser, "") })
	require.NoError(t, c.do(t.Context(), "remove", request{}, "user=u", noUser))

	err := client{"/nowhere/socket.0"}.do(t.Context(), "list", request{}, "")
	require.ErrorIs(t, err, drivers.ErrUnavailable)
	require.NotContains(t, err.Error(), "/nowhere")
	require.Contains(t, drivers.Hint(err), "systemctl start tgt")
}

func TestExchangeIsCutOff(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	c := daemon(t, func(request, string, net.Conn) { <-hold })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := c.do(ctx, "list", request{}, "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestSocketOf(t *testing.T) {
	require.Equal(t, "/var/run/tgtd/socket.3", socketOf(3))
	t.Setenv("TGT_IPC_SOCKET", "/run/other")
	require.Equal(t, "/run/other.0", socketOf(0))
}

func TestFactoryRefuses(t *testing.T) {
	_, err := Factory(t.Context(), targets.Config{CHAP: targets.CHAP{User: "a,b", Password: "twelve-letters"}})
	require.ErrorIs(t, err, drivers.ErrInvalid)
}
