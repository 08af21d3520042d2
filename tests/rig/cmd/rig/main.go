// Command rig keeps parts of the test rig up, for looking around by hand; Ctrl-C takes them away.
//
//	go run ./tests/rig/cmd/rig [-nodes 1] [-disks 8,8] [-open-filter] [-gluster [-arbiter]] [-nfs] [-tgt]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/clinker-storage/clinker/tests/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx))
}

func run(ctx context.Context) int {
	nodes := flag.Int("nodes", 1, "how many storage nodes")
	disks := flag.String("disks", "8", "the data disks of each, in GiB")
	open := flag.Bool("open-filter", false, "let LVM scan each block device")
	gluster := flag.Bool("gluster", false, "a GlusterFS, replica 2")
	arbiter := flag.Bool("arbiter", false, "with an arbiter")
	nfs := flag.Bool("nfs", false, "an NFS server")
	tgt := flag.Bool("tgt", false, "a tgtd")
	flag.Parse()
	var opts []rig.Option
	var sizes []int64
	for _, word := range strings.Split(*disks, ",") {
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil {
			fmt.Fprintln(os.Stderr, "rig: -disks must be numbers with commas:", err)
			return 2
		}
		sizes = append(sizes, n*rig.GiB)
	}
	opts = append(opts, rig.Disks(sizes...))
	if *open {
		opts = append(opts, rig.OpenFilter())
	}
	p := &person{ctx: ctx}
	return p.while(func() {
		for range *nodes {
			n := rig.StorageNode(p, opts...)
			fmt.Printf("%s is up after %.1f s; /host there is %s; it reaches this machine at %s\n  %s\n",
				n.Name, n.Booted().Seconds(), n.Share, n.Gateway(), n.Login())
		}
		if *gluster {
			var opts []rig.GlusterOption
			if *arbiter {
				opts = append(opts, rig.Arbiter())
			}
			g := rig.Gluster(p, opts...)
			fmt.Printf("GlusterFS is up: mount -t glusterfs %s DIR; mounted at %s\n", g.Share, g.Mount(g.Share))
		}
		if *nfs {
			s := rig.NFS(p, 2*rig.GiB)
			fmt.Printf("NFS is up, for nodes: mount -t nfs %s DIR; its files are at %s\n", s.Share, s.Path)
		}
		if *tgt {
			s := rig.TgtForNodes(p)
			fmt.Printf("tgtd is up at %s: tgtadm -C %d\n", s.Portal, s.ControlPort)
		}
		fmt.Println("Ctrl-C takes all of it away.")
		<-ctx.Done()
	})
}

// person stands in for a test.
type person struct {
	ctx      context.Context
	failed   bool
	cleanups []func()
}

// failed is thrown by Fatalf and Skipf.
type given struct{}

func (p *person) while(f func()) (code int) {
	defer func() {
		if r := recover(); r != nil && r != (given{}) {
			panic(r)
		}
		for _, c := range slices.Backward(p.cleanups) {
			c()
		}
		if p.failed {
			code = 1
		}
	}()
	f()
	return 0
}

func (p *person) Helper()                         {}
func (p *person) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (p *person) Failed() bool                    { return p.failed }
func (p *person) Cleanup(f func())                { p.cleanups = append(p.cleanups, f) }
func (p *person) Context() context.Context        { return p.ctx }

func (p *person) Errorf(format string, args ...any) {
	p.failed = true
	p.Logf(format, args...)
}

func (p *person) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	panic(given{})
}

func (p *person) Skipf(format string, args ...any) { p.Fatalf(format, args...) }
