# Clinker's targets; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash -o pipefail

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
STATE_DIR ?= .clinker
UP_FLAGS ?=

# Static binaries without paths of the machine that built them. Exported, since the
# flags are part of what Go's build cache goes by: tests that link the Temporal
# server then use what `make build` has compiled, and it is compiled once.
export CGO_ENABLED = 0
export GOFLAGS += -trimpath -buildvcs=false
LDFLAGS = -s -w -X main.version=$(VERSION)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: build ## build, then run everything here: API, workers, Temporal and its Web UI (Ctrl-C stops)
	@exec bin/clinkerd up --state-dir $(STATE_DIR) $(UP_FLAGS)

.PHONY: build
build: ## build bin/clinkerd and bin/clinker
	@[ -x bin/clinkerd ] || echo 'The first build compiles the Temporal server: expect 5 to 10 minutes on two cores. Later ones take seconds.'
	@mkdir -p bin
	go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/clinkerd ./cmd/clinker

.PHONY: build-node
build-node: ## build bin/clinkerd-node for storage nodes: no Temporal server in it
	@mkdir -p bin
	go build -tags noembed -ldflags '$(LDFLAGS)' -o bin/clinkerd-node ./cmd/clinkerd

.PHONY: test
test: ## install what the tests need, then run them all
	tests/install.sh
	tests/run.sh

.PHONY: lint
lint: ## run the linters of .golangci.yml
	tests/lint.sh

.PHONY: vuln
vuln: ## look up what the binaries link in Go's database of vulnerabilities, which GOVULNDB may name
	tests/vuln.sh

.PHONY: fmt
fmt: ## format the Go files as the linter wants them
	tests/lint.sh fmt

.PHONY: bench
bench: build ## measure: creates, deletes, lists, memory (docs/performance.md)
	go test ./tests/perf -run '^$$' -bench . -benchtime 1x -timeout 60m -v

.PHONY: crash
crash: build ## kill -9 the server many times under load and look for anything lost
	CRASH_KILLS=$${CRASH_KILLS:-20} go test ./tests/crash -count 1 -timeout 120m -v

.PHONY: fuzz
fuzz: ## feed each parser with chance, FUZZ_TIME each (10m by default: seven hours in all)
	tests/fuzz.sh

.PHONY: malformed
malformed: ## send the API 100,000 malformed requests (MALFORMED_SEED repeats a run)
	MALFORMED_REQUESTS=$${MALFORMED_REQUESTS:-100000} go test ./tests/malformed -count 1 -timeout 60m -v
