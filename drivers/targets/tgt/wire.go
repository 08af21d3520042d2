package tgt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// What follows is usr/tgtadm.h of tgt 1.0.30 to 1.0.97: C structs as they lie in memory, which is the machine's own byte order.

type operation uint32

const (
	opNew operation = iota
	opDelete
	opShow
	opBind
	opUnbind
	opUpdate
)

type mode uint32

const (
	modeSystem mode = iota
	modeTarget
	modeDevice
	modePortal
	_
	modeSession
	modeConnection
	modeAccount
)

type request struct {
	Mode   mode
	Op     operation
	Driver [64]byte
	Length uint32 // of all, arguments included
	Target int32
	Sid    uint64
	LUN    uint64
	Cid    uint32
	Host   uint32
	Kind   uint32
	Dir    uint32
	Pack   uint32
	Force  uint32
}

// everyTarget in place of a target's number asks for all.
const everyTarget = -1

type response struct{ Status, Length uint32 }

const (
	// tgtd takes no longer arguments (MAX_MGT_BUFSIZE).
	longestArguments = 8 << 10
	longestAnswer    = 64 << 20
	// patience is for a tgtd that hangs; it answers within milliseconds, unless its disk does.
	patience = 30 * time.Second
)

// status is tgtd's answer, enum tgtadm_errno.
type status uint32

const (
	noTarget      status = 4
	noLUN         status = 5
	noSession     status = 6
	noConnection  status = 7
	noBinding     status = 8
	targetExists  status = 9
	lunExists     status = 10
	bindingExists status = 11
	aclExists     status = 12
	noACL         status = 13
	userExists    status = 14
	noUser        status = 15
	targetActive  status = 19
	lunActive     status = 20
)

var statusTexts = [...]string{
	"success", "unknown error", "out of memory", "no such driver", "no such target",
	"no such LUN", "no such session", "no such connection", "no such binding", "the target is there already", "the LUN is there already", "the binding is there already",
	"the ACL is there already", "no such ACL", "the user is there already", "no such user", "too many users", "invalid request",
	"an outgoing account is there already", "the target is in use", "the LUN is in use", "the driver is in use", "unsupported operation", "unknown parameter",
	"removal is prevented",
}

func (s status) Error() string {
	if int(s) < len(statusTexts) {
		return "tgtd says: " + statusTexts[s]
	}
	return fmt.Sprintf("tgtd says: error %d", uint32(s))
}

// exchange sends a request with its arguments and returns what tgtd tells; an answer other than success is a status.
func exchange(ctx context.Context, socket string, r request, arguments string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	copy(r.Driver[:len(r.Driver)-1], "iscsi")
	if arguments != "" {
		arguments += "\x00" // tgtd reads a C string
	}
	if len(arguments) > longestArguments {
		return "", fmt.Errorf("arguments of %d bytes; tgtd takes %d", len(arguments), longestArguments)
	}
	r.Length = uint32(binary.Size(r) + len(arguments))
	var message bytes.Buffer
	if err := binary.Write(&message, binary.NativeEndian, r); err != nil {
		return "", err
	}
	message.WriteString(arguments)

	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // ends a read or write under way
	defer stop()
	answer, err := converse(conn, message.Bytes())
	if ended := ctx.Err(); ended != nil && err != nil {
		return "", ended
	}
	return answer, err
}

func converse(conn io.ReadWriter, message []byte) (string, error) {
	if _, err := conn.Write(message); err != nil {
		return "", err
	}
	var head response
	if err := binary.Read(conn, binary.NativeEndian, &head); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	if head.Status != 0 {
		return "", status(head.Status)
	}
	size := int64(head.Length) - int64(binary.Size(head))
	if size < 0 || size > longestAnswer {
		return "", fmt.Errorf("tgtd announces %d bytes", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(conn, text); err != nil {
		return "", err
	}
	return string(bytes.TrimRight(text, "\x00")), nil
}
