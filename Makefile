# Everything a developer runs. Works with GNU Make 3.81 (macOS) and any POSIX shell.
# The parts run in order: `make test` starts with what a newcomer waits for anyway, the build.

CARGO ?= cargo
# Passed on: make demo ARGS="--people 10000"
ARGS ?=
# Passed on to the test runner: make unit TESTS=stack
TESTS ?=
# How long `make fuzz` asks the API
SECONDS ?= 600
# How many names `make names` draws in each theme
COUNT ?= 5000
LAUREATE = $(CARGO) run --locked --quiet --

.DEFAULT_GOAL := help
.PHONY: help demo up bench setup setup-test setup-peers build test fmt unit names fuzz lint docs openapi components
# The parts of a target are in order, also under `make -j`.
.NOTPARALLEL:

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 \2/p' Makefile | awk '{ printf "  %s %-7s", $$1, $$2; $$1 = $$2 = ""; print }'

demo: setup build ## Show the whole product on sample data (ARGS="…" are passed on)
	@$(LAUREATE) demo $(ARGS)

up: setup build ## Run everything here, with data in .laureate/ (ARGS="…" are passed on)
	@$(LAUREATE) up $(ARGS)

bench: setup setup-peers ## Measure against this machine's limits (ARGS="…" are passed on; benches/README.md)
	@echo "make: building for release (the first time takes ten minutes or more)"
	@$(CARGO) bench --locked --quiet --bench laureate -- $(ARGS)

test: components setup-test fmt build unit lint docs ## All checks: format, build, tests, lints, docs
	@echo "make test: everything passed (format, build, tests, lints, docs)"

setup: ## Install nats-server and PostgreSQL into .venv/ unless they are there
	@sh tools/setup.sh

setup-peers:
	@sh tools/setup.sh peers

setup-test:
	@sh tools/setup.sh tests

build: ## Build the program
	@echo "make: building (the first time takes several minutes)"
	@$(CARGO) build --locked

fmt: components ## Check the formatting (cargo fmt repairs it)
	@echo "make: checking the formatting"
	@$(CARGO) fmt --check

# cargo-nextest runs the same tests, each in a process of its own; without it cargo's runner serves.
unit: setup-test build ## Run all tests against real servers (TESTS=name for some)
	@echo "make: building and running the tests"
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(LAUREATE) with-servers -- $(CARGO) nextest run --locked $(TESTS); \
	else \
		$(LAUREATE) with-servers -- $(CARGO) test --locked --quiet --all-targets $(TESTS); \
	fi

# The document must be the present one, which the test run holds; the client is generated from it.
fuzz: setup-test build ## Ask the API everything for ten minutes; a generated client does the main job
	@echo "make: asking the API everything its document allows (SECONDS=600)"
	@LAUREATE_FUZZ_SECONDS=$(SECONDS) $(MAKE) --no-print-directory unit TESTS=schemathesis
	@sh tools/client/check.sh

names: setup-test build ## Draw 5000 names in each theme; other programs read them and look at them (COUNT=…)
	@echo "make: drawing and checking $(COUNT) names in each theme (takes minutes)"
	@LAUREATE_NAMES=$(COUNT) $(CARGO) test --locked --quiet --test suite names_of_every_script -- --nocapture

lint: components ## Run clippy; a warning is an error
	@echo "make: linting (the first time takes a few minutes)"
	@$(CARGO) clippy --locked --quiet --all-targets -- -D warnings

docs: ## Build the documentation of the code; a warning is an error
	@echo "make: building the documentation"
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --quiet --no-deps --document-private-items

openapi: build ## Write openapi/openapi.json anew, after a change of the API
	@$(LAUREATE) openapi > openapi/openapi.json.new
	@mv openapi/openapi.json.new openapi/openapi.json

components:
	@for part in fmt clippy; do \
		$(CARGO) $$part --version >/dev/null 2>&1 && continue; \
		name=$$(echo $$part | sed s/^fmt/rustfmt/); \
		echo "make: adding Rust's $$name"; \
		rustup component add $$name || { \
			echo "make: 'cargo $$part' is missing; install $$name the way Rust was installed" >&2; exit 1; }; \
	done
