# Every target runs from a clean clone: what is missing is installed first, and nothing is done twice.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TEST_PYTHON := .cache/test-venv/bin/python
PYTEST := $(TEST_PYTHON) -m pytest Tests/System
QUIETLY := scripts/quietly

.PHONY: help demo build release test conformance test-long torture fuzz bench bench-upstream bench-ledger bench-shared lint format screenshots setup setup-tests clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## run a real snippet through the gateway (KEEP=1: stay up afterwards)
	@.build/debug/e2b-gateway demo $(if $(KEEP),--keep)

build: setup ## build e2b-gateway for debugging
	@$(QUIETLY) build -- swift build --product e2b-gateway

release: setup ## build e2b-gateway for production, at .build/release/e2b-gateway
	@$(QUIETLY) release -- swift build -c release --product e2b-gateway

test: setup-tests ## run every test: Swift, then the running gateway, the TypeScript client, E2B's SDKs
	@$(QUIETLY) build-tests -- swift build --build-tests
	@scripts/tests

conformance: setup-tests ## run the official E2B SDKs, two generations of them, against the gateway
	@$(QUIETLY) build -- swift build --product e2b-gateway
	@scripts/conformance

test-long: setup-tests ## run the system tests that take minutes
	@$(QUIETLY) build -- swift build --product e2b-gateway
	@$(PYTEST) -m long

torture: setup-tests ## kill a gateway under load, and commands at every step (TORTURE_KILLS=1000 or TORTURE_SECONDS=600)
	@$(QUIETLY) build -- swift build --product e2b-gateway
	@$(TEST_PYTHON) Tests/System/torture.py
	@TORTURE_STEPS=1000 $(PYTEST)/test_crashes.py -k 'not under_load' --timeout 3600

fuzz: setup ## feed the parsers of credentials with random input (FUZZ_SECONDS=600)
	@scripts/fuzz seconds $(or $(FUZZ_SECONDS),600)

bench: setup-tests release ## measure credentials, a call's time and memory on this machine
	@swift run -q -c release credentials-bench
	@$(TEST_PYTHON) bench/executions.py
	@$(TEST_PYTHON) bench/sdk_door.py
	@$(MAKE) --no-print-directory bench-upstream

bench-upstream: setup-tests release ## measure the gateway against the official SDK without one, and 200 calls a second
	@$(QUIETLY) simulated-upstream -- swift build -c release --product simulated-upstream
	@$(TEST_PYTHON) bench/upstream_speed.py

bench-ledger: setup ## measure the ledger, with ten million executions in it as well (EXECUTIONS=…)
	@swift run -q -c release ledger-bench --executions $(or $(EXECUTIONS),10000000)

bench-shared: setup-tests ## measure gateways that share a ledger in PostgreSQL
	@$(QUIETLY) ledger-bench -- swift build -c release --product ledger-bench
	@$(TEST_PYTHON) bench/shared_ledger.py

lint: setup-tests ## check formatting, openapi.yaml, deploy/, shell, Python and JavaScript
	@swift format lint --strict --parallel --recursive Sources Tests bench
	@$(TEST_PYTHON) -m openapi_spec_validator openapi.yaml
	@for script in scripts/quietly scripts/setup scripts/fuzz scripts/tests scripts/conformance .ci/run; do bash -n "$$script"; done
	@$(TEST_PYTHON) scripts/check_python.py Sources Tests scripts bench docs deploy
	@for module in clients/typescript/*.js clients/typescript/test/*.js; do node --check "$$module"; done
	@for module in Sources/Gateway/Console/Resources/*.js; do node --check --input-type=module - <"$$module"; done
	@deploy/check
	@echo "lint: clean"

screenshots: setup-tests ## take docs/images/*.png anew, of the console in a browser
	@$(QUIETLY) build -- swift build --product e2b-gateway
	@CONSOLE_PICTURES=$(CURDIR)/docs/images $(PYTEST)/test_console_pictures.py

format: ## format the Swift sources
	@swift format --in-place --parallel --recursive Sources Tests bench

setup: ## install what building and running needs
	@scripts/setup

setup-tests: ## install what testing needs as well
	@scripts/setup --tests

clean: ## remove what was built and cached here
	rm -rf .build .cache
