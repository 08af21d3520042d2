package guestagent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers"
)

// longestAnswer bounds a line: a guest is anybody's.
const longestAnswer = 1 << 20

// On asks by the socket at which QEMU has the agent's port (-chardev socket ... -device virtserialport,name=org.qemu.guest_agent.0). The port serves one
// client at a time; each command has a connection of its own, and limit at most.
func On(socket string, limit time.Duration) Ask {
	return func(ctx context.Context, command string, out any) error {
		within, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		err := exchange(within, socket, command, out)
		var r *Refusal
		switch {
		case err == nil, ctx.Err() != nil, errors.As(err, &r):
			return errors.Join(err, ctx.Err())
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
			return &drivers.Error{
				Err:  fmt.Errorf("%w: the guest has no port for an agent", drivers.ErrNotSupported),
				Hint: "start it with -chardev socket,path=" + socket + ",server=on,wait=off,id=qga -device virtio-serial -device virtserialport,chardev=qga,name=org.qemu.guest_agent.0",
			}
		}
		return Silent(err)
	}
}

// Silent is an agent that does not answer.
func Silent(cause error) error {
	return &drivers.Error{
		Err:  fmt.Errorf("%w: the guest's agent does not answer: %w", drivers.ErrUnavailable, cause),
		Hint: "install and start qemu-guest-agent in the guest",
	}
}

// exchange finds the agent's ear, past what was meant for others, and has it run a command.
func exchange(ctx context.Context, socket, command string, out any) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	in := bufio.NewScanner(conn)
	in.Buffer(make([]byte, 0, 4096), longestAnswer)
	// 0xFF has the agent forget half a command of a client that was cut off; what it says before the number is not for us.
	number := rand.Int64N(1 << 50)
	if _, err := fmt.Fprintf(conn, "\xff{\"execute\":\"guest-sync\",\"arguments\":{\"id\":%d}}\n", number); err != nil {
		return err
	}
	for {
		var got int64
		line, err := next(in)
		if err != nil {
			return err
		}
		if Answer(line, &got) == nil && got == number {
			break
		}
	}
	line, err := json.Marshal(map[string]string{"execute": command})
	if err == nil {
		_, err = conn.Write(append(line, '\n'))
	}
	if err != nil {
		return err
	}
	if line, err = next(in); err != nil {
		return err
	}
	return Answer(line, out)
}

func next(in *bufio.Scanner) ([]byte, error) {
	if in.Scan() {
		return in.Bytes(), nil
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return nil, errors.New("its port was closed")
}
