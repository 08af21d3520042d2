#!/bin/bash
# Runs all tests and prints, as its last line, "N passed, N failed, N skipped".
#
#   1. build both binaries, so that the Temporal server is compiled once, here;
#   2. packages that do not link it, with the race detector (this replays the stored
#      histories too: workflows' own tests do);
#      and, without it, what the detector would look at for minutes: the restores of
#      recorded backups of GiBs;
#   3. packages that test on the rig (nodes, GlusterFS, tgt), two at a time: they wait more than they work, but a
#      node is a machine of its own on these cores; without the race detector, which nodes don't have;
#   4. packages that link it and everything below tests/, without: compiling the
#      server once more for the race detector would take as long again as all the rest.
#      Never from Go's cache, which doesn't see the binaries that these tests run; three tests at a time, since the
#      longest of them, which waits more than it works, should not begin last;
#   5. workflowcheck: workflow code does nothing that can't be replayed.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -trimpath -buildvcs=false" # as in the Makefile

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
go build -o "$scratch/report" ./tests/report
status=0

step() { # NAME COMMAND...: a `go test -json`, shown and counted by tests/report
	local name=$1 begun=$SECONDS
	shift
	echo "== $name"
	"$@" 2>&1 | "$scratch/report" -counts "$scratch/counts" || status=1
	echo "== $name: $((SECONDS - begun)) s"
}

echo "== build"
begun=$SECONDS
make --no-print-directory build
echo "== build: $((SECONDS - begun)) s"

# Packages that have tests, by whether those link the server. One without tests is left out: go test
# would compile it all the same, with the server where it imports that.
tested=$(go list -test -f '{{.ImportPath}} {{join .Deps " "}}' ./... |
	awk '$1 ~ /\.test$/ {
		heavy = / go\.temporal\.io\/server\// || $1 ~ /\/clinker\/tests\//
		rig = / github\.com\/clinker-storage\/clinker\/tests\/rig( |$)/
		sub(/\.test$/, "", $1)
		print (heavy ? "heavy" : rig ? "rig" : "light"), $1
	}')
light=$(awk '$1 == "light" { print $2 }' <<<"$tested")
rig=$(awk '$1 == "rig" { print $2 }' <<<"$tested")
heavy=$(awk '$1 == "heavy" { print $2 }' <<<"$tested")

# shellcheck disable=SC2086 # lists of packages
{
	step "unit tests, with the race detector" \
		env CGO_ENABLED=1 GOFLAGS=-buildvcs=false go test -race -json -timeout 15m $light
	step "unit tests of many bytes, without" go test -json -timeout 15m ./drivers/backups/cinder
	step "tests on the rig" go test -json -count 1 -p 2 -timeout 40m $rig
	step "tests with the Temporal server and whole processes" \
		env CLINKER_TEST_BINARIES="$PWD/bin" go test -json -count 1 -p 1 -parallel 3 -timeout 45m $heavy
}

echo "== workflowcheck"
if go tool -modfile=tools/go.mod workflowcheck ./workflows/...; then
	echo 1 0 0 >>"$scratch/counts"
else
	echo 0 1 0 >>"$scratch/counts"
	status=1
fi

awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' "$scratch/counts"
exit $status
