package glusterfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clinker-storage/clinker/drivers/sharefs"
)

const (
	// defaultStale is above the second for which md-cache, quick-read and the kernel (attribute-timeout, entry-timeout)
	// answer from memory by default.
	defaultStale = 1500 * time.Millisecond
	longestStale = 10 * time.Second
)

// inspect reads what the mounted client says of the volume it has: its graph of translators is shown as files in the
// hidden folder .meta of each mount. So it needs neither the gluster command nor a way to glusterd, which storage nodes
// often don't have.
func inspect(root string) sharefs.Health {
	h := sharefs.Health{Stale: defaultStale}
	graph := filepath.Join(root, ".meta", "graphs", "active")
	entries, err := os.ReadDir(graph)
	if err != nil {
		h.Warnings = []string{"the volume's options can't be read from the mount: look yourself whether it is replica 3 or has an arbiter"}
		return h
	}
	said := map[string]bool{}
	for _, e := range entries {
		x := translator(filepath.Join(graph, e.Name()))
		switch x.read("type") {
		case "cluster/replicate":
			if w := x.replica(); w != "" && !said[w] {
				said[w] = true
				h.Warnings = append(h.Warnings, w)
			}
		case "performance/md-cache":
			h.Stale = max(h.Stale, x.seconds("md-cache-timeout"), x.seconds("timeout"))
		case "performance/quick-read":
			h.Stale = max(h.Stale, x.seconds("cache-timeout"))
		}
	}
	if h.Stale > longestStale {
		h.Warnings = append(h.Warnings, fmt.Sprintf("clients may remember file attributes for %s: hosts that share this backend would work on what is not true any more; "+
			"set performance.md-cache-timeout and performance.cache-refresh-timeout to 1", h.Stale))
		h.Stale = longestStale
	}
	return h
}

// translator is the folder of one translator of the client's graph.
type translator string

func (x translator) read(name string) string {
	text, err := os.ReadFile(filepath.Join(string(x), name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func (x translator) option(name string) string { return x.read(filepath.Join("options", name)) }

func (x translator) seconds(name string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSuffix(x.option(name), "s"))
	if err != nil {
		return 0
	}
	return time.Duration(n)*time.Second + 500*time.Millisecond
}

// replica says what is wrong with its set of replicas, "" for nothing (data-safety rule 7).
func (x translator) replica() string {
	return replica(x.read("private"), x.option("arbiter-count"))
}

func replica(private, arbiters string) string {
	state := keys(private)
	bricks, _ := strconv.Atoi(state["child_count"])
	arbiter := arbiters != "" && arbiters != "0"
	var out []string
	switch quorum := state["quorum-type"]; {
	case bricks == 2 && !arbiter && (quorum == "" || quorum == "none"):
		out = append(out, "replica 2 without an arbiter and without quorum: when the bricks go and come back in turn, acknowledged writes are lost; "+
			"add an arbiter (gluster volume add-brick VOLUME replica 3 arbiter 1 ...), or at least set cluster.quorum-type auto")
	case bricks > 2 && quorum == "none":
		out = append(out, "quorum is switched off (cluster.quorum-type none): set it to auto")
	}
	down := 0
	for name, value := range state {
		if strings.HasPrefix(name, "child_up[") && value == "0" {
			down++
		}
	}
	if down > 0 {
		out = append(out, fmt.Sprintf("%d of %d bricks can't be reached: the data has fewer copies than it should", down, bricks))
	}
	return strings.Join(out, "; ")
}

// keys reads lines of "name = value".
func keys(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, "="); ok {
			m[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return m
}

// splitBrain asks the client whether a file's replicas contradict each other. It says so in words (afr-common.c).
func splitBrain(path string) bool {
	buf := make([]byte, 4096)
	n, err := unix.Lgetxattr(path, "replica.split-brain-status", buf)
	return err == nil && strings.Contains(string(buf[:n]), "split-brain:yes")
}
