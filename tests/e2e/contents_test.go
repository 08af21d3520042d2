package e2e

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/clinker-storage/clinker/tests/harness"
)

// content is what a volume holds at one of its backups, by what was done to it since the one before.
type content struct {
	name   string
	size   int64  // GiB that it is extended to before
	script string // of a shell; $1 is the volume's device or file
	sum    string // SHA-256 of the whole device, where it is no other each time
	check  string // of what is restored
	passed bool   // over: only what comes later is restored
}

// contents are those of a chain of ten. What a file system has free may hold anything.
var contents = []content{
	{name: "zeros", sum: "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14"},
	{name: "random", script: `for at in 0 100 517 1008; do dd status=none if=/dev/urandom of="$1" bs=1M count=16 seek=$at conv=notrunc; done`},
	{
		name: "0xFF", sum: "71cc8c3a8d6f83a8290ed7608f24c768b4361a24cb73b18a554ebba4c7c99c1e",
		script: `tr '\0' '\377' </dev/zero | dd status=none of="$1" bs=1M count=1024 iflag=fullblock conv=notrunc`,
	},
	{name: "file system", passed: true, script: `mkfs.ext4 -q -F -d /usr/share/doc/coreutils "$1"`},
	{name: "files", script: `printf 'write /bin/sh shell\nrm copyright\n' | debugfs -w -f - "$1" >/dev/null 2>&1
		dd status=none if=/dev/urandom of="$1" bs=1M count=24 seek=944 conv=notrunc`, check: `e2fsck -fn "$1"
		found=$(mktemp -d)
		debugfs -R "rdump / $found" "$1"
		cmp /bin/sh $found/shell
		test ! -e $found/copyright
		rm $found/shell
		diff -r --no-dereference --exclude=lost+found --exclude=copyright /usr/share/doc/coreutils $found
		rm -r $found`},
	{name: "zeroed", script: `dd status=none if=/dev/zero of="$1" bs=1M count=4 conv=notrunc; dd status=none if=/dev/zero of="$1" bs=1M count=8 seek=948 conv=notrunc`},
	{
		name: "discarded", passed: true,
		script: `if [ -b "$1" ]; then blkdiscard -o $((960<<20)) -l $((4<<20)) "$1"; else fallocate -p -o $((960<<20)) -l $((4<<20)) "$1"; fi`,
	},
	{name: "moved", passed: true, script: `dd status=none if="$1" of="$1" bs=1M count=4 skip=964 seek=200 conv=notrunc`},
	{name: "extended", size: 2, script: `for at in 1500 2044; do dd status=none if=/dev/urandom of="$1" bs=1M count=4 seek=$at conv=notrunc; done`},
	{
		name:   "last",
		script: `printf 'some bytes' | dd status=none of="$1" bs=1 seek=1572864007 conv=notrunc; dd status=none if=/dev/urandom of="$1" bs=1M count=4 seek=1502 conv=notrunc`,
	},
}

// source is where volumes are that are backed up, and what is expected of their backups.
type source struct {
	client *harness.Client
	kind   string // volume type, "" for none
	by     string // how incrementals find what differs
	sh     shell
}

// shell runs commands where a volume is; $1 is its device or file.
type shell func(t *testing.T, volume, text string) string

// filesShell is for volumes that are files of a folder.
func filesShell(folder string) shell {
	return func(t *testing.T, volume, text string) string {
		t.Helper()
		out, code := harness.Run(t, nil, "sh", "-ec", text, "sh", filepath.Join(folder, "volume-"+volume))
		require.Zero(t, code, out)
		return out
	}
}

// groupShell is for logical volumes of a group of the node's.
func (r *rack) groupShell(group string) shell {
	return func(t *testing.T, volume, text string) string {
		t.Helper()
		lv := group + "/volume-" + volume
		node := r.node.With(t)
		node.Run("lvchange", "-ay", "-K", lv)
		return node.Run("sh", "-ec", text, "sh", "/dev/"+lv)
	}
}

// hash is the SHA-256 of a whole volume. A client of GlusterFS remembers for a second what another host has changed meanwhile, but where it is asked
// for what the disks have.
func (sh shell) hash(t *testing.T, volume string) string {
	t.Helper()
	sum, _, _ := strings.Cut(sh(t, volume, `case $(stat -f -c %T "$1") in fuse*) past=iflag=direct ;; esac
		dd status=none if="$1" bs=1M $past | openssl dgst -sha256 -r`), " ") // four times as quick as sha256sum
	return sum
}

// chainOfTen backs a volume up ten times, each time with another content, and restores what stands for each kind: into new volumes, and over one that
// holds another of them, so that no hole lets through what was there. Whole devices are compared. Nothing is left of it.
func chainOfTen(t *testing.T, s source) {
	t.Helper()
	begun := time.Now()
	kind := object{}
	if s.kind != "" {
		kind["volume_type"] = s.kind
	}
	b := &backedUp{client: s.client, volume: s.client.CreateAvailable(t, "contents", 1, kind).ID}
	ids, sums, checks := map[string]string{}, map[string]string{}, map[string]string{}
	by := ""
	for i, c := range contents {
		if c.size > 0 {
			b.client.Action(t, b.volume, "os-extend", object{"new_size": c.size})
			b.client.WaitStatus(t, b.volume, "available")
		}
		s.sh(t, b.volume, c.script+"\n"+`sync "$1"`)
		sum := c.sum
		if sum == "" && !c.passed {
			sum = s.sh.hash(t, b.volume)
			require.NotContains(t, slices.Collect(maps.Values(sums)), sum, "%s changes nothing", c.name)
		}
		sums[c.name] = sum
		ids[c.name], checks[c.name] = b.backup(t, c.name, i > 0, by), c.check
		by = s.by
	}
	made := time.Since(begun)

	restored := func(name, volume string) {
		t.Helper()
		require.NotEmpty(t, sums[name])
		require.Equal(t, sums[name], s.sh.hash(t, volume), "restored: %s", name)
		s.sh(t, volume, checks[name])
	}
	target := b.into(t, ids["0xFF"], 1, kind)
	restored("0xFF", target)
	for _, name := range []string{"random", "zeros", "files", "zeroed"} {
		b.over(t, ids[name], target)
		restored(name, target)
	}
	for _, id := range []string{target, b.volume} { // its backups outlive a volume
		b.client.Delete(t, id)
		b.client.WaitGone(t, id)
	}
	target = b.into(t, ids["last"], 2, kind)
	restored("last", target)
	b.over(t, ids["extended"], target)
	restored("extended", target)
	b.client.Delete(t, target)
	for i := range contents {
		b.drop(t, ids[contents[len(contents)-1-i].name])
	}
	b.client.WaitGone(t, target)
	harness.CheckUsage(t, b.client)
	t.Logf("ten backups of %s took %.1f s, with their restores %.1f s", s.kind, made.Seconds(), time.Since(begun).Seconds())
}
