package models

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files and docs/statuses.md anew")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "go test ./models -update writes %s", path)
}

func join[S ~string](statuses []S) string {
	var names []string
	for _, s := range statuses {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func from[S ~string](r RuleOf[S]) string {
	switch {
	case r.New:
		return "(new)"
	case r.Any:
		return "(any)"
	case len(r.Also) > 0:
		return join(r.From) + "; " + join(r.Also) + " with " + r.AlsoWhen
	}
	return join(r.From)
}

func end(e HeldEnd) string {
	parts := []string{"flow " + string(e.State)}
	switch e.Status {
	case EndGone:
		parts = append(parts, "row destroyed")
	case EndPrevious:
		parts = append(parts, "back to its previous status and size")
	default:
		parts = append(parts, "row "+e.Status)
	}
	if e.Undo {
		parts = append(parts, "backend's side undone")
	}
	if e.FreesQuota {
		return strings.Join(append(parts, "quota freed"), ", ")
	}
	return strings.Join(append(parts, "quota kept until it is deleted"), ", ")
}

func writeRules[S ~string](b *strings.Builder, rules []RuleOf[S]) {
	for _, r := range rules {
		fmt.Fprintf(b, "%s\n  from    %s\n  to      %s\n  success %s\n  failure %s\n", r.Operation, from(r), r.To, r.Success, r.Failure)
		if r.Further != "" {
			fmt.Fprintf(b, "  further %s\n", r.Further)
		}
	}
}

func writeTable[S ~string](b *strings.Builder, rules []RuleOf[S]) {
	b.WriteString("| Operation | Legal from | Goes to | Success | Failure | Further conditions |\n|---|---|---|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", r.Operation, from(r), r.To, r.Success, r.Failure, r.Further)
	}
}

func TestTransitionTableGolden(t *testing.T) {
	var b strings.Builder
	writeRules(&b, Transitions())
	b.WriteString("\nstatus owner shown reset\n")
	for _, s := range VolumeStatuses() {
		fmt.Fprintf(&b, "%s %s %s %t\n", s, s.Owner(), Shown(s), ResettableTo(s))
	}
	b.WriteString("\nsnapshots\n")
	writeRules(&b, SnapshotTransitions())
	for _, s := range SnapshotStatuses() {
		fmt.Fprintf(&b, "%s %s\n", s, s.Owner())
	}
	b.WriteString("\nbackups\n")
	writeRules(&b, BackupTransitions())
	for _, s := range BackupStatuses() {
		fmt.Fprintf(&b, "%s %s %t\n", s, s.Owner(), ResettableBackup(s))
	}
	golden(t, "testdata/transitions.txt", b.String())
}

func TestHeldTableGolden(t *testing.T) {
	var b strings.Builder
	for _, r := range HeldRules() {
		fmt.Fprintf(&b, "%s\n  shown  %s\n  abort  %s\n  expiry %s\n  calls  %s\n",
			r.Operation, r.Shown, end(r.Abort), end(r.Expiry), strings.Join(r.Calls, ", "))
	}
	golden(t, "testdata/held.txt", b.String())
}

func TestStatusesDoc(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Statuses of volumes, snapshots and backups

This page is written by ` + "`go test ./models -update`" + ` from the tables in models/status.go, models/transition.go,
models/snapshotstatus.go, models/backupstatus.go and models/held.go; a test fails when they differ.

## The drawing

What the operations of flows do. A forced delete, which begins from any status, and reset-status, which sets any, are left out. What has to do with images
and transfers is drawn for later: the API has neither yet.

` + "```mermaid\n" + drawing() + "```\n" + `
## Operations

"(previous)" is the status that the volume had before, "(gone)" no row at all.

`)
	writeTable(&b, Transitions())
	b.WriteString(`
One thing differs from Cinder: a volume in ` + "`error_deleting`" + ` may simply be deleted again, and a restore may go again into one in
` + "`error_restoring`" + `. Another: a backup that fails leaves the volume that it read as it was, not ` + "`error_backing-up`" + `; nothing happened to it.

## Who ends a status

A status that a flow owns is brought to its end by that flow, and mended by reconcile should the flow be gone. One that a client owns
is reported by its age and never mended: behind it may be the disk of a living guest.

| Status | Owner | Shown as | reset-status may set it |
|---|---|---|---|
`)
	for _, s := range VolumeStatuses() {
		reset := "yes"
		if !ResettableTo(s) {
			reset = "no"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s, s.Owner(), Shown(s), reset)
	}
	b.WriteString(`
## Snapshots

`)
	writeTable(&b, SnapshotTransitions())
	b.WriteString(`
A snapshot in ` + "`error_deleting`" + ` may simply be deleted again, which differs from Cinder. A delete with cascade takes the volume's snapshots along in
the volume's own flow: each must be available, error or error_deleting. A status that a flow owns is ended by that flow or mended by reconcile;
reset-status may set any.

| Status | Owner |
|---|---|
`)
	for _, s := range SnapshotStatuses() {
		fmt.Fprintf(&b, "| %s | %s |\n", s, s.Owner())
	}
	b.WriteString(`
## Backups

`)
	writeTable(&b, BackupTransitions())
	b.WriteString(`
A backup in ` + "`error_deleting`" + ` may simply be deleted again. A forced delete of one that is being made gives it up and takes back what lies in the
store; a reset of one that is restored cancels the restore.

| Status | Owner | reset-status may set it |
|---|---|---|
`)
	for _, s := range BackupStatuses() {
		reset := "yes"
		if !ResettableBackup(s) {
			reset = "no"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s, s.Owner(), reset)
	}
	b.WriteString(`
## What "held" means

A flow that needs a person is held: it shows the failed task, the error and a hint, and waits for ` + "`flow retry`, `flow skip` or `flow abort`" + `.
The volume, snapshot or backup stays its own meanwhile. A delete, a forced delete or a reset-status of a held one aborts the flow first.

| Operation | Shown while held | Abort | End of flow_hold_hours | Calls that are answered meanwhile |
|---|---|---|---|---|
`)
	for _, r := range HeldRules() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Operation, r.Shown, end(r.Abort), end(r.Expiry), strings.Join(r.Calls, ", "))
	}
	golden(t, "../docs/statuses.md", b.String())
}

// drawing is the table as a mermaid state diagram; mermaid's ids take no hyphen.
func drawing() string {
	id := func(s VolumeStatus) string { return strings.NewReplacer("-", "_").Replace(string(s)) }
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, s := range VolumeStatuses() {
		if strings.Contains(string(s), "-") {
			fmt.Fprintf(&b, "    state \"%s\" as %s\n", s, id(s))
		}
	}
	var lines []string
	add := func(from, to, label string) {
		if line := fmt.Sprintf("    %s --> %s : %s\n", from, to, label); from != to && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	for _, r := range Transitions() {
		if r.Any || r.To == EndSame {
			continue
		}
		begin := slices.Concat(r.From, r.Also)
		if r.New {
			add("[*]", id(r.To), r.Operation)
		}
		for _, s := range begin {
			add(id(s), id(r.To), r.Operation)
		}
		for _, e := range []struct {
			to    VolumeStatus
			label string
		}{{r.Success, "done"}, {r.Failure, "failed"}} {
			switch {
			case e.to == EndGone:
				add(id(r.To), "[*]", e.label)
			case e.to == EndPrevious:
				for _, s := range begin {
					add(id(r.To), id(s), e.label)
				}
			case e.to != r.To && e.to != EndSame:
				add(id(r.To), id(e.to), e.label)
			}
		}
	}
	b.WriteString(strings.Join(lines, ""))
	return b.String()
}
