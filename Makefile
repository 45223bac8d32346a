# Commands for developers. Works with GNU Make 3.81 (macOS) and any POSIX shell.
# The parts run in order. `make test` starts with the build, which a newcomer has to wait for anyway.

CARGO ?= cargo
# Arguments for the program: make demo ARGS="--people 10000"
ARGS ?=
# Filter for the test runner: make unit TESTS=stack
TESTS ?=
# Duration of `make fuzz` in seconds
SECONDS ?= 600
# Number of names that `make names` draws in each theme
COUNT ?= 5000
# Scenarios of `make faults`, separated by commas, or all
FAULTS ?= all
TARGET = $${CARGO_TARGET_DIR:-$(CURDIR)/target}
LAUREATE = $(CARGO) run --locked --quiet --

.DEFAULT_GOAL := help
.PHONY: help demo up bench setup setup-test setup-peers build test fmt unit names fuzz faults lint docs openapi flow next components
# The parts of a target run in order, even with `make -j`.
.NOTPARALLEL:

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 \2/p' Makefile | awk '{ printf "  %s %-7s", $$1, $$2; $$1 = $$2 = ""; print }'

demo: setup build ## Run a demo of all features with sample data (ARGS="…" for the program)
	@$(LAUREATE) demo $(ARGS)

up: setup build ## Run the program and all servers here, with data in .laureate/ (ARGS="…" for the program)
	@$(LAUREATE) up $(ARGS)

bench: setup setup-peers ## Compare the speed with the limits of this machine (ARGS="…"; see benches/README.md)
	@echo "make: building for release (the first time takes ten minutes or more)"
	@$(CARGO) bench --locked --quiet --bench laureate -- $(ARGS)

test: components setup-test fmt build unit lint docs ## Run all checks: format, build, tests, lints, docs
	@echo "make test: everything passed (format, build, tests, lints, docs)"

setup: ## Install nats-server and PostgreSQL into .venv/ if they are missing
	@sh tools/setup.sh

setup-peers:
	@sh tools/setup.sh peers

setup-test:
	@sh tools/setup.sh tests

build: ## Build the program
	@echo "make: building (the first time takes several minutes)"
	@$(CARGO) build --locked

fmt: components ## Check the formatting (cargo fmt corrects it)
	@echo "make: checking the formatting"
	@$(CARGO) fmt --check

# Uses cargo-nextest, which runs each test in its own process, if it is installed; or else `cargo test`.
unit: setup-test build ## Run all tests against real servers (TESTS=name runs some)
	@echo "make: building and running the tests"
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(LAUREATE) with-servers -- $(CARGO) nextest run --locked $(TESTS); \
	else \
		$(LAUREATE) with-servers -- $(CARGO) test --locked --quiet --all-targets $(TESTS); \
	fi

# A test checks that openapi/openapi.json is up to date. The client is generated from it.
fuzz: setup-test build ## Fuzz the API for ten minutes (SECONDS=…), and test a generated client
	@echo "make: sending requests of all kinds in the OpenAPI document for $(SECONDS) seconds"
	@LAUREATE_FUZZ_SECONDS=$(SECONDS) $(MAKE) --no-print-directory unit TESTS=schemathesis
	@sh tools/client/check.sh

# LAUREATE_TEST_FAULTS_SEED=… repeats a run. Logs of a run that fails are in target/faults/.
faults: setup next build ## Kill, freeze and refuse everything under load (FAULTS=name for some)
	@echo "make: running the program while its processes and servers fail (takes 30 minutes or more)"
	@LAUREATE_TEST_FAULTS=$(FAULTS) LAUREATE_TEST_FAULTS_NEXT=$(TARGET)/next/laureate-next $(CARGO) test --locked --quiet --test suite invariants_hold_after_faults -- --nocapture

# The build after this one replaces the program in target/debug/.
next:
	@echo "make: building the program of the next version, for upgrades"
	@$(CARGO) build --locked --features next-version
	@mkdir -p $(TARGET)/next
	@cp $(TARGET)/debug/laureate $(TARGET)/next/laureate-next

names: setup-test build ## Draw 5000 names in each theme and check the pages with other programs (COUNT=…)
	@echo "make: drawing and checking $(COUNT) names in each theme (takes minutes)"
	@LAUREATE_NAMES=$(COUNT) $(CARGO) test --locked --quiet --test suite names_of_every_script -- --nocapture

lint: components ## Run clippy; warnings are errors
	@echo "make: linting (the first time takes a few minutes)"
	@$(CARGO) clippy --locked --quiet --all-targets -- -D warnings

docs: ## Build the documentation of the code; warnings are errors
	@echo "make: building the documentation"
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --quiet --no-deps --document-private-items

openapi: build ## Generate openapi/openapi.json, after a change of the API
	@$(LAUREATE) openapi > openapi/openapi.json.new
	@mv openapi/openapi.json.new openapi/openapi.json

flow: setup-test build ## Update the table of events in ARCHITECTURE.md, after a change of src/domain/flow.rs
	@INSTA_UPDATE=always $(LAUREATE) with-servers -- $(CARGO) test --locked --quiet --test suite table_of_events_matches

components:
	@for part in fmt clippy; do \
		$(CARGO) $$part --version >/dev/null 2>&1 && continue; \
		name=$$(echo $$part | sed s/^fmt/rustfmt/); \
		echo "make: adding Rust's $$name"; \
		rustup component add $$name || { \
			echo "make: 'cargo $$part' is missing; install $$name in the same way as Rust" >&2; exit 1; }; \
	done
