package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/clinker-storage/clinker/internal/execx"
)

// Run runs a program on the node, fails the test when it ends badly, and returns its standard output without the last
// line end. Arguments are not for a shell; Run("sh", "-c", ...) is.
func (n *Node) Run(args ...string) string {
	n.t.Helper()
	out, err := n.RunErr(args...)
	if err != nil {
		n.t.Fatalf("on %s: %v", n.Name, err)
	}
	return out
}

// RunErr is Run for programs that may end badly, with an *execx.ExitError then. It ends with the test.
func (n *Node) RunErr(args ...string) (string, error) {
	result, err := n.Runner().Run(n.t.Context(), execx.Command{Name: args[0], Args: args[1:]})
	return strings.TrimSuffix(string(result.Stdout), "\n"), err
}

// Runner returns a Runner whose programs run on the node. When the context ends, the connection to the program is
// closed and it may run on: who needs to know that it has ended runs inside the node.
func (n *Node) Runner() execx.Runner { return onNode{n} }

type onNode struct{ n *Node }

func (r onNode) Run(ctx context.Context, c execx.Command) (execx.Result, error) {
	result, err := r.once(ctx, c)
	if errors.Is(err, errNotBegun) {
		result, err = r.once(ctx, c)
	}
	return result, err
}

// errNotBegun is a session that the server closed before it said that the program runs: it has started none. dropbear does that once in thousands of
// sessions of a busy connection, which stays.
var errNotBegun = errors.New("the session was closed before the program began")

func (r onNode) once(ctx context.Context, c execx.Command) (execx.Result, error) {
	result := execx.Result{ExitCode: -1}
	begun := time.Now()
	session, err := r.n.client.session()
	if err != nil {
		return result, fmt.Errorf("%s: %w", c, err)
	}
	defer session.Close()
	var stdout, stderr strings.Builder
	session.Stdin, session.Stdout, session.Stderr = c.Stdin, &stdout, &stderr
	if c.Stdout != nil {
		session.Stdout = c.Stdout
	}
	err = await(ctx, session, line(c))
	result.Stdout, result.Stderr, result.Duration = []byte(stdout.String()), []byte(stderr.String()), time.Since(begun)
	var exit *ssh.ExitError
	switch {
	case err == nil:
		result.ExitCode = 0
		return result, nil
	case ctx.Err() != nil:
		return result, fmt.Errorf("%s was stopped: %w", c, ctx.Err())
	case !errors.As(err, &exit):
		return result, fmt.Errorf("%s: %w", c, err) // the node has died
	}
	result.ExitCode = exit.ExitStatus()
	if result.ExitCode == 127 && strings.HasPrefix(stderr.String(), "env: ") {
		return result, fmt.Errorf("program %s: %w", c.Name, execx.ErrNotFound)
	}
	return result, &execx.ExitError{Command: c.String(), ExitCode: result.ExitCode, Stderr: strings.TrimSpace(stderr.String())}
}

func await(ctx context.Context, session *ssh.Session, line string) error {
	done := make(chan error, 1)
	go func() {
		err := session.Start(line)
		switch {
		case err == nil:
			err = session.Wait()
		case errors.Is(err, io.EOF):
			err = fmt.Errorf("%w: %w", errNotBegun, err)
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		session.Close()
		return ctx.Err()
	}
}

// line is a command for the shell that the SSH server starts.
func line(c execx.Command) string {
	words := []string{"export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin;"}
	if c.Dir != "" {
		words = append(words, "cd", shellQuote(c.Dir), "&&")
	}
	words = append(words, "exec", "env")
	for _, v := range c.Env {
		words = append(words, shellQuote(v))
	}
	words = append(words, shellQuote(c.Name))
	for _, a := range c.Args {
		words = append(words, shellQuote(a))
	}
	return strings.Join(words, " ")
}

func shellQuote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// Background runs a program on the node and copies what it says to w until it ends or the test does. It returns at once; the
// channel gets how it ended.
func (n *Node) Background(w io.Writer, args ...string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := n.Runner().Run(n.t.Context(), execx.Command{Name: args[0], Args: args[1:], Stdout: w})
		done <- err
	}()
	return done
}
