# Greenlight. `make` lists the targets. Works with GNU make 3.81 and a POSIX shell, on Linux and macOS.

SHELL      := /bin/sh
GO         ?= go
BIN        := bin
BUILDTOOLS := render-taskdef render-appspec smoke rehearse greenlight
FUNCTIONS  := after-allow-test-traffic before-allow-traffic after-allow-traffic prober notifier
ARCH       ?= arm64
LINT       := $(GO) tool -modfile=buildtools/lint.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help go build demo picture test check lint bench man package release dry-run deploy destroy templates clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

go:
	@sh buildtools/need-go.sh $(GO)

build: go ## host binaries in bin/
	@sh buildtools/build.sh $(GO) $(BIN) $(BUILDTOOLS) -- $(FUNCTIONS)

demo: build ## rehearse a good and a bad release on this machine
	@sh buildtools/rehearse/demo.sh $(BIN)

picture: demo ## make the README's picture again, with chromium
	@sh buildtools/rehearse/picture.sh

test: go ## [RACE=-race] all tests
	@sh buildtools/test.sh $(GO) $(RACE)

check: go templates ## what CI runs: formatting, lint, tidy, all tests with the race detector
	$(LINT) fmt --diff
	$(LINT) run ./...
	$(GO) mod tidy -diff
	@$(MAKE) test RACE=-race

templates:
	@sh buildtools/lint-templates.sh

man: build ## manual pages of the commands, in dist/man
	@sh buildtools/man.sh $(BIN) dist/man $(BUILDTOOLS)

package: go ## [BUCKET=b] [ARCH=amd64] the functions and build tools, packed into dist/
	@sh buildtools/package.sh $(GO) $(ARCH) $(BUCKET)

release: go ## VERSION=v0.2.0: all that a release consists of, in dist/release
	@sh buildtools/release.sh $(GO) '$(VERSION)'

# STACK=gate|bluegreen BUCKET=b PARAMETERS=file [NAME=n] [CONFIRM=n]
stack = GO=$(GO) ARCH=$(ARCH) STACK='$(STACK)' BUCKET='$(BUCKET)' PARAMETERS='$(PARAMETERS)' NAME='$(NAME)' CONFIRM='$(CONFIRM)' sh buildtools/stack.sh

dry-run: go ## STACK=gate|bluegreen BUCKET=b PARAMETERS=file: everything up to a change set
	@$(stack) dry-run

deploy: go ## STACK=gate|bluegreen BUCKET=b PARAMETERS=file: make or change the stack
	@$(stack) deploy

destroy: ## STACK=gate|bluegreen [CONFIRM=name]: remove the stack and what it holds, and say what stays
	@$(stack) destroy

bench: go ## the figures of buildtools/bench/README.md, with PASS or MISS beside each limit
	@sh buildtools/bench.sh $(GO)

clean: ## remove what the other targets built
	rm -rf $(BIN) dist .demo
