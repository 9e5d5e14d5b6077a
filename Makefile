# The front door. Every target sets up what it needs: on a fresh Debian 12, `make run` is the first command.
.DEFAULT_GOAL := help
.PHONY: help setup build test bench run golden fuzz format clean

JOBS := $(shell nproc)
ARGS ?=
SECONDS ?= 60

help: ## Lists these targets
	@echo "Postern: telemetry across a trust boundary, kept and passed on"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Installs the packages that everything else needs (Debian 12)
	@scripts/setup

build: setup ## Builds the programs, optimised, into build/release/bin/
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS) --target programs

test: setup ## Builds and runs every check and every test (what CI runs)
	@scripts/check

bench: build ## Measures against the OpenTelemetry Collector and prints the table
	@tests/bench/run $(ARGS)

run: build ## Starts the sample and shows its rates; ARGS=--no-tui for scripts
	@scripts/run $(ARGS)

golden: setup ## Writes the golden files anew from what the programs print now
	@cmake --preset dev >/dev/null
	@cmake --build --preset dev -j $(JOBS)
	@POSTERN_GOLDEN=write ctest --preset dev -L golden

fuzz: setup ## Runs every fuzzer for SECONDS=60 each; ARGS names some
	@scripts/fuzz $(SECONDS) $(ARGS)

format: setup ## Formats the C++ sources in place
	@scripts/checks/format --write

clean: ## Removes everything that was built
	@rm -rf build
