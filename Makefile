# Every command of the project; make help lists them. CI calls make test.
MAKEFLAGS += --warn-undefined-variables --no-print-directory
SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# What may be given on the command line.
ARCH          ?= arm64
BIN           ?= bin
FUZZTIME      ?= 10s
STAGE         ?= default
PORT          ?=
EMULATOR_PORT ?=
PARAMS        ?=
WAIT_SCALE    ?=
ROUNDS        ?= 1000
SEED          ?= 1
PAGE_ROWS     ?= 100000
ALARM         ?=
UPDATE        ?=
export PORT EMULATOR_PORT PARAMS WAIT_SCALE

# What is deployed is compiled by this Go, whichever is installed here: go fetches
# it. make vulnerabilities says when it is too old.
TOOLCHAIN ?= go1.26.10

GOLANGCI_VERSION := v2.15.0
GOLANGCI := .tools/golangci-lint-$(GOLANGCI_VERSION)

LOCAL := .local/mediahooks-local

# ARCH=host is for the local stack, which runs the binaries as they are.
TARGET_arm64  := GOOS=linux GOARCH=arm64 GOTOOLCHAIN=$(TOOLCHAIN)
TARGET_x86_64 := GOOS=linux GOARCH=amd64 GOTOOLCHAIN=$(TOOLCHAIN)
TARGET_host   := GOOS= GOARCH=

FUNCTIONS := $(notdir $(patsubst %/,%,$(wildcard functions/*/)))

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: tools
tools: .venv/.installed ## install the emulator, the SAM CLI and cfn-lint into .venv

.venv/.installed: infra/local/requirements.txt infra/local/constraints.txt
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "make tools: Python 3.11 or newer is needed, as python3" >&2; exit 1; }
	@echo "Installing the emulator, the SAM CLI and cfn-lint into .venv (about a minute, once)"
	@python3 -m venv --clear .venv
	@$(MAKE) --silent compiled & \
		.venv/bin/pip install --quiet --disable-pip-version-check -r infra/local/requirements.txt && wait
	@touch $@

# Meanwhile Go compiles what make run needs, so that the first run is as quick
# as the second. A fault is for that run to tell.
.PHONY: compiled
compiled:
	@$(MAKE) --silent build ARCH=host BIN=.local/build >/dev/null 2>&1 && \
		CGO_ENABLED=0 go build -trimpath -o $(LOCAL) ./infra/local 2>/dev/null || true

.PHONY: build
build: $(FUNCTIONS:%=build-%) ## write bin/<function>/bootstrap, for ARCH=arm64 or x86_64

.PHONY: $(FUNCTIONS:%=build-%)
$(FUNCTIONS:%=build-%): build-%:
	@$(if $(filter $(ARCH),arm64 x86_64 host),,$(error ARCH=$(ARCH): must be arm64 or x86_64))\
		env $(TARGET_$(ARCH)) CGO_ENABLED=0 \
		go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags '-s -w' -o $(BIN)/$*/bootstrap ./functions/$*

.PHONY: local
local: tools
	@mkdir -p .local
	@CGO_ENABLED=0 go build -trimpath -o $(LOCAL) ./infra/local

.PHONY: run
run: local ## start everything, show a notification arriving; PORT, EMULATOR_PORT, PARAMS, WAIT_SCALE
	@exec $(LOCAL) run

.PHONY: up
up: local ## start the same in the background and write .local/env
	@exec $(LOCAL) up

.PHONY: down
down: ## stop what make up has started
	@test ! -x $(LOCAL) || exec $(LOCAL) down

.PHONY: test
test: tools clients browser lint vulnerabilities ## everything that CI runs
	go test ./...
	@$(MAKE) sam-local

# The packages of other languages that the end-to-end tests verify with.
CLIENTS := $(wildcard infra/local/clients/package-lock.json)

.PHONY: clients
clients: $(CLIENTS:%/package-lock.json=%/node_modules/.installed)

%/node_modules/.installed: %/package-lock.json %/package.json
	@command -v npm >/dev/null || { echo "make: npm is needed, which comes with Node.js" >&2; exit 1; }
	@echo "Installing the client packages of $* (some seconds, once)"
	@cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

# What the console's pages are tested with.
.PHONY: browser
browser: infra/browser/node_modules/.installed ## install chromium (apt-get, as root or by sudo), axe-core and html-validate
	@infra/browser/install.sh

.PHONY: screenshots
screenshots: browser ## take the pictures of the console that docs/console shows (half a minute)
	@go run ./infra/browser/screenshots

.PHONY: lint
lint: tools $(GOLANGCI) ## gofmt, go vet, golangci-lint, cfn-lint with the project's rules, sam validate
	@test -z "$$(gofmt -l $(GO_DIRS))" || { echo "gofmt: run gofmt -w on:" >&2; gofmt -l $(GO_DIRS) >&2; exit 1; }
	go vet ./...
	$(GOLANGCI) run
	.venv/bin/cfn-lint
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 .venv/bin/sam validate --lint
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 .venv/bin/sam validate --lint --template infra/operations/template.yaml

GO_DIRS := $(wildcard *.go functions infra shared)

$(GOLANGCI):
	@echo "Installing golangci-lint $(GOLANGCI_VERSION) into .tools (one to three minutes, once)"
	@GOBIN="$(CURDIR)/.tools" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv .tools/golangci-lint $@

# The Go vulnerability database is a Go module, and comes the way that modules do.
# It is pinned, so that the same sources pass tomorrow if they pass today; VULNDB=latest
# asks what has become known since.
GOVULNCHECK_VERSION := v1.9.0
GOVULNCHECK := .tools/govulncheck-$(GOVULNCHECK_VERSION)
VULNDB ?= v0.0.0-20261105234957-e22db6528018

.PHONY: vulnerabilities
vulnerabilities: $(GOVULNCHECK) ## fail for known vulnerabilities that the code can reach, by VULNDB (pinned; latest)
	@dir=$$(go mod download -json golang.org/x/vulndb@$(VULNDB) | sed -n 's/^.*"Dir": "\(.*\)".*$$/\1/p') && \
		echo "govulncheck with $$(basename "$$dir") and $(TOOLCHAIN)" && \
		GOTOOLCHAIN=$(TOOLCHAIN) $(GOVULNCHECK) -db "file://$$dir/data/osv" ./...

$(GOVULNCHECK):
	@GOBIN="$(CURDIR)/.tools" go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@mv .tools/govulncheck $@

CYCLONEDX_VERSION := v1.10.0
CYCLONEDX := .tools/cyclonedx-gomod-$(CYCLONEDX_VERSION)

.PHONY: sbom
sbom: build $(CYCLONEDX) ## write bin/<function>.cdx.json: which modules each binary holds, and the Go that compiled it (CycloneDX)
	@for name in $(FUNCTIONS); do \
		$(CYCLONEDX) bin -json -std -noserial -notimestamp -version "$$(git describe --tags --always --dirty)" -output $(BIN)/$$name.cdx.json $(BIN)/$$name/bootstrap || exit 1; \
		echo "$(BIN)/$$name.cdx.json"; \
	done

$(CYCLONEDX):
	@GOBIN="$(CURDIR)/.tools" go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
	@mv .tools/cyclonedx-gomod $@

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (10s)
	@grep -rl --include='*_test.go' '^func Fuzz' $(GO_DIRS) | xargs -n1 dirname | sort -u | while read -r dir; do \
		grep -ho '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | cut -c6- | while read -r target; do \
			echo "$$dir $$target"; \
			go test "./$$dir" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) || exit 1; \
		done || exit 1; \
	done

.PHONY: bench
bench: ## measure CPU, memory and cold starts of the functions, on this machine and in one run
	@$(MAKE) --silent build ARCH=host BIN=.local/build
	@BIN=.local/build go run ./infra/bench

.PHONY: bench-curves
bench-curves: ## measure how cost grows with events, URLs, environments, batches and bodies (a minute)
	@$(MAKE) --silent build ARCH=host BIN=.local/build
	@BIN=.local/build go run ./infra/bench curves

.PHONY: bench-fair
bench-fair: tools ## measure what a quiet environment notices of a noisy one, on the local stack (two minutes)
	@go run ./infra/bench fair

.PHONY: bench-pages
bench-pages: tools ## measure what a page of a list costs at the start, middle and end of PAGE_ROWS (100000) deliveries (a minute)
	@PAGE_ROWS=$(PAGE_ROWS) go test ./shared/store -run '^TestPagesCostTheSame$$' -count=1 -v -timeout 0

.PHONY: recover-5000
recover-5000: tools ## recover 5,000 deliveries on the local stack, with progress, a stop and a resume (three minutes)
	@go run ./infra/bench recover

.PHONY: faults
faults: tools ## look for a lost notification in ROUNDS (1000) rounds that follow from SEED (1); CI makes 100
	@FAULT_ROUNDS=$(ROUNDS) FAULT_SEED=$(SEED) go test ./infra/faults -run '^TestNoLoss$$' -count=1 -v -timeout 0

.PHONY: drill
drill: tools clients ## make an alarm's condition happen on a local stack and judge the alarm; ALARM=deliveries-exhausted, all of them without
	@go test ./infra/local/e2e -run '^TestAlarms$$/^$(ALARM)$(if $(ALARM),$$)' -count=1 -v -timeout 15m

.PHONY: sam-local
sam-local: tools ## run events/ through sam local invoke, the trigger calls through start-api; UPDATE=1 writes what is expected
	@$(MAKE) --silent build ARCH=host BIN=.local/build
	@go run ./infra/samlocal -update=$(if $(UPDATE),true,false)

.PHONY: simulate
simulate: ## write docs/capacity.md's figures: what the lanes do on AWS, simulated (a minute)
	@go run ./infra/simulation -write

.PHONY: cost
cost: tools ## count what a million deliveries cost on AWS, on the local stack (a minute), and write docs/cost.md
	@go run ./infra/cost -write

.PHONY: docs
docs: ## write docs/configuration.md, docs/event-types.md and docs/metrics.md from what they describe
	go run ./infra/pages

.PHONY: deploy
deploy: tools build ## deploy to the AWS account of your credentials; STAGE=prod for that table of samconfig.toml
	.venv/bin/sam deploy --config-env $(STAGE)

MINUTES ?= 10

.PHONY: guard
guard: ## have each update of a deployed stack rolled back if an alarm goes off within MINUTES (10; 0 ends it); STAGE
	@$(OPERATOR) -minutes $(MINUTES) guard

# What a stack needs besides its deployment; STAGE names it, the credentials
# are your shell's.
OPERATOR = go run ./infra/operator -stage $(STAGE)
CLOUD   ?=

.PHONY: environment
environment: ## make an environment on a deployed stack and print its CLOUDINARY_URL; CLOUD=acme, STAGE
	@$(OPERATOR) -cloud "$(CLOUD)" environment

.PHONY: account
account: ## print a deployed stack's CLOUDINARY_ACCOUNT_URL; STAGE
	@$(OPERATOR) account

.PHONY: rotate-account-key
rotate-account-key: ## give a deployed stack's account another secret; STAGE
	@$(OPERATOR) rotate-account-key

.PHONY: rewrap
rewrap: ## have KMS encrypt a deployed stack's data keys anew; STAGE
	@$(OPERATOR) rewrap

.PHONY: clean
clean: down ## remove what was built and installed here
	rm -rf bin .local .tools .venv .aws-sam infra/local/clients/node_modules infra/browser/node_modules
