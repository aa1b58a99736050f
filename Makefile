# The frequent commands. `make` alone lists them.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements.lock

.DEFAULT_GOAL := help
.PHONY: help install up down reset doctor test verify coverage faults check format bench lock

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The stamp holds the lock file's sum: a changed lock or a half-made environment is installed again.
install: $(VENV)/.installed  ## Make the virtual environment from the lock file

$(VENV)/.installed: $(LOCK)
	@echo "Installing what Kierto runs on into $(VENV) (once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Kierto needs Python 3.11; set PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(LOCK)
	@ln -sf ../../kierto $(BIN)/kierto
	@touch $@

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
	@$(BIN)/python -m pytest -n 3 tests/unit tests/component --ignore tests/unit/deploy --cov --cov-report=term
	@$(BIN)/python -m pytest -n 3 tests/unit/deploy tests/contract tests/integration tests/gateway
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

lock:  ## Resolve the lock file again from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --extra develop --universal --generate-hashes --no-header \
	  --python-version 3.11 --upgrade --output-file $(LOCK)
