# Greenlight. `make` lists the targets. Works with GNU make 3.81 and a POSIX shell, on Linux and macOS.

SHELL      := /bin/sh
GO         ?= go
BIN        := bin
BUILDTOOLS := render-taskdef render-appspec smoke rehearse
FUNCTIONS  := after-allow-test-traffic before-allow-traffic prober
LINT       := $(GO) tool -modfile=buildtools/lint.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help go build demo test check lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

go:
	@sh buildtools/need-go.sh $(GO)

build: go ## host binaries in bin/
	@sh buildtools/build.sh $(GO) $(BIN) $(BUILDTOOLS) -- $(FUNCTIONS)

demo: build ## rehearse a good and a bad release on this machine
	@sh buildtools/rehearse/demo.sh $(BIN)

test: go ## all tests
	@sh buildtools/test.sh $(GO)

check: go ## what CI runs: formatting, lint, tests, tidy
	$(LINT) fmt --diff
	$(LINT) run ./...
	$(GO) mod tidy -diff
	@$(MAKE) test

bench: go ## the benchmarks behind every number in the README
	@sh buildtools/bench.sh $(GO)

clean: ## remove what the other targets built
	rm -rf $(BIN) dist .demo
