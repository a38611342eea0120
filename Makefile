# Perennial: every command anyone needs. `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo
BIN := target/debug/perennial
DATA ?= ./data
TOOLS := PATH="$$(scripts/tools.sh):$$PATH"
SERVICES := scripts/services.sh run

##@ Use it

.PHONY: run
run: ## Build and start all four services with embedded defaults (data under ./data; Ctrl-C stops)
	$(CARGO) build --bin perennial
	$(BIN) serve all --data $(DATA)

.PHONY: demo
demo: ## Replay 18 months of real purchases through a fresh suite and print what it found
	$(CARGO) build --bin perennial
	$(BIN) demo

.PHONY: check
check: ## Check the invariants of the data under ./data (with the suite running or stopped)
	$(CARGO) build --bin perennial
	$(BIN) check all --data $(DATA)

.PHONY: clean-run
clean-run: ## Throw away ./data and start from nothing
	rm -rf $(DATA)
	$(MAKE) run

##@ Change it

.PHONY: build
build: ## Compile everything, tests included
	$(CARGO) build --workspace --all-targets

.PHONY: test
test: test-sqlite test-postgres ## Every test: on SQLite, then again on Postgres; both with Redis (all installed when missing)

.PHONY: test-sqlite
test-sqlite: ## Every test on SQLite, with a real Redis, SMTP server and OTLP receiver
	@scripts/tools.sh >/dev/null
	$(CARGO) build --workspace --bins
	$(TOOLS) PERENNIAL_TEST_DATABASE=sqlite $(SERVICES) $(CARGO) test --workspace

.PHONY: test-postgres
test-postgres: ## Store, RPC and end-to-end tests on Postgres
	@scripts/tools.sh >/dev/null
	$(CARGO) build --workspace --bins
	$(TOOLS) PERENNIAL_TEST_DATABASE=postgres $(SERVICES) $(CARGO) test --workspace --test it --test load

.PHONY: fmt
fmt: ## Format the code and the contracts
	$(CARGO) fmt --all
	tools="$$(scripts/tools.sh)" && cd proto && "$$tools/buf" format -w

.PHONY: lint
lint: ## Check formats and lints; warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

.PHONY: contracts
contracts: ## Lint the contracts and refuse what would break callers of the last release
	@tools="$$(scripts/tools.sh)" && cd proto && "$$tools/buf" format -d --exit-code && "$$tools/buf" lint \
	  && "$$tools/buf" breaking --against released.binpb && echo "contracts: good"

.PHONY: release-contract
release-contract: ## Keep today's contracts as the ones that later changes are compared with
	tools="$$(scripts/tools.sh)" && cd proto && "$$tools/buf" build -o released.binpb

.PHONY: deploy-check
deploy-check: ## Check image, manifests, settings and alert rules in deploy/
	$(CARGO) build --bin perennial
	scripts/deploy-check.sh

.PHONY: deploy-try
deploy-try: ## Run a deployment as pods would be run, with its databases and mail taken away
	$(CARGO) build --bin perennial
	scripts/deploy-try.sh embedded
	scripts/deploy-try.sh production

.PHONY: image-try
image-try: ## Build the image without a registry, look at what is in it, and run it fenced in as pods are
	scripts/image-try.sh

.PHONY: bench
bench: ## Measure Track, Earn and a read on SQLite and Postgres beside plain baselines (profile dist)
	$(CARGO) build --profile dist --bin perennial
	$(SERVICES) bash -c 'target/dist/perennial bench --postgres "$$PERENNIAL_TEST_POSTGRES_URL" \
	  --pgbench "$$PERENNIAL_TEST_POSTGRES_BIN/pgbench"'

.PHONY: overload
overload: ## Ask the release build for 2, 5 and 10 times what it can answer; the same without limits
	$(CARGO) build --release --bin perennial
	$(CARGO) test --release -p perennial-tests --test load -- --nocapture overload

.PHONY: ci
ci: lint contracts build test ## What a change must pass
	scripts/image-try.sh --where-possible

.PHONY: help
help:
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
