# The frequent commands. `make` alone lists them.
SHELL := /bin/sh
# A program that names a supported Python which can make virtual environments, and fails with any other.
DESCRIBE := import ensurepip, sys, venv; version = sys.version_info[:2]; \
  sys.exit(1) if not (3, 11) <= version < (3, 15) else print(sys.base_prefix, "%d.%d" % version)
ifndef PYTHON
PYTHON := $(shell for python in python3.14 python3.13 python3.12 python3.11 python3; do \
  $$python -c '$(DESCRIBE)' > /dev/null 2>&1 && echo $$python && break; done)
endif
INTERPRETER := $(shell $(or $(PYTHON),false) -c '$(DESCRIBE)' 2> /dev/null)
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements.lock
# Unit tests of the domain and the use cases. Their branches are measured, which slows others down by half.
MEASURED := $(addprefix tests/unit/,identity orders stats support)
UPGRADE := --upgrade

# The tests start some hundred processes: without bytecode each would compile what it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install up down reset doctor test verify coverage faults check audit format bench lock wheel

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## Make the virtual environment from the lock file

# The stamp names the interpreter: another one, a changed lock or a half-made environment is installed again.
ifneq ($(INTERPRETER),$(shell cat $(VENV)/.installed 2> /dev/null))
.PHONY: $(VENV)/.installed
endif

$(VENV)/.installed: $(LOCK)
	@test -n "$(INTERPRETER)" || { echo "Kierto needs Python 3.11, 3.12, 3.13 or 3.14 with venv (Debian and Ubuntu:" \
	  "apt install python3-venv). Install one, or set PYTHON=/path/to/python3." >&2; exit 1; }
	@echo "Installing what Kierto runs on into $(VENV) for Python $(lastword $(INTERPRETER)) (once) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
	  -r $(LOCK)
	@ln -sf ../../kierto $(BIN)/kierto
	@echo "$(INTERPRETER)" > $@

up: install  ## Run everything on embedded real servers; Ctrl-C stops it
	@./kierto up

down: install  ## Stop what `make up` started in this folder
	@./kierto down

reset: install  ## Stop, and delete all data of this folder's stack
	@./kierto reset

doctor: install  ## Report what this machine has and what is missing
	@./kierto doctor

test: install  ## Run every test against real PostgreSQL, Valkey and Kafka, and in a browser if there is Chromium
	@$(BIN)/python -m gateway.playground.build || true
	@$(BIN)/python -m pytest -n 3 $(MEASURED) tests/component --cov --cov-report=term
	@$(BIN)/python -m pytest -n 4 --dist worksteal tests/integration tests/gateway tests/contract tests/unit \
	  $(MEASURED:%=--ignore %)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/faults tests/e2e tests/browser

verify: install  ## Run the longer tests: property tests with all examples, then every fault
	@$(BIN)/python -m pytest -n 3 -m hypothesis --hypothesis-profile all tests/unit tests/component tests/gateway
	@$(MAKE) --no-print-directory faults

coverage: install  ## Measure the branches of gateway and services that the tests of one process reach
	@$(BIN)/python -m pytest -n 3 tests/unit tests/component tests/contract tests/integration tests/gateway \
	  --cov=gateway --cov=services --cov-config=tests/coverage.toml --cov-report=term:skip-covered

faults: install  ## Run every fault as often as it is judged, under load (15 minutes); ends with a table
	@$(BIN)/python -m pytest tests/faults --full

check: install  ## Check format, lint, types, import rules, schema and contract snapshots
	@$(BIN)/python -m tests.check

format: install  ## Rewrite the sources in the one format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix --quiet .

bench: install  ## Measure, as ratios in one run
	@$(BIN)/python -m tests.benchmarks

audit: install  ## Ask the registries for advisories on all locked packages
	@$(BIN)/python -m tests.audit

lock: install  ## Resolve the lock file again from pyproject.toml, and record its wheels (UPGRADE= keeps versions)
	@$(BIN)/uv pip compile pyproject.toml --extra local --extra telemetry --extra develop --universal \
	  --generate-hashes --no-header --python-version 3.11 $(UPGRADE) --quiet --output-file $(LOCK)
	@$(BIN)/python -m tests.wheels --write

wheel: install  ## Build the wheel for a host with real servers into dist/
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
