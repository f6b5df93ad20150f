# `make` lists the targets. They need Debian's python3 (3.11 or newer) with venv, and make.
PYTHON ?= python3
BIN := .venv/bin
SETTINGS := DJANGO_SETTINGS_MODULE=tests.settings PYTHONPATH=.
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export NO_MKDOCS_2_WARNING = 1

.DEFAULT_GOAL := help
.PHONY: help setup assets browser run test journeys check fmt bench docs soak requirements

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed .venv/.assets ## Install everything into .venv

.venv/.installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "python3 has no venv; as root: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

.venv/.assets: .venv/.installed package-lock.json tools/assets.py $(shell find src/homeroom -name '*.html' -o -name '*.py' -path '*homeroom*')
	$(BIN)/python tools/assets.py
	@touch $@

assets: .venv/.assets ## Copy styles, scripts and icons from npm packages into the package

browser: # what browser tests need from Debian
	@tools/debian chromium chromium

run: setup ## Serve a demo district on a simulated Apple School Manager
	$(BIN)/homeroom demo

test: setup ## Run the tests (HOMEROOM_DATABASE_URL chooses the database)
	$(BIN)/pytest -n auto --dist loadfile -m "not soak and not journey"

journeys: setup browser ## Run the journeys in a real browser
	$(BIN)/pytest -m journey

soak: setup ## Run the long tests, and look for counterexamples for a long time
	$(BIN)/pytest -m soak
	$(BIN)/pytest -n auto -m hypothesis --hypothesis-profile explore --timeout 1800

check: setup ## Format, lint, types, layers, migrations, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'src/**/*.html')
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(SETTINGS) $(BIN)/python -m django check --fail-level WARNING
	$(SETTINGS) $(BIN)/python -m django makemigrations --check --dry-run
	$(BIN)/python tools/configuration_docs.py --check
	$(BIN)/python tools/committed.py
	$(BIN)/mkdocs build --strict --quiet --site-dir $${TMPDIR:-/tmp}/homeroom-docs

fmt: setup ## Format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djade --target-version 5.2 $$(git ls-files 'src/**/*.html')
	$(BIN)/python tools/configuration_docs.py

bench: setup ## Measure what the docs claim about speed
	$(BIN)/python -m benchmarks

docs: setup ## Serve the documentation
	$(BIN)/mkdocs serve

requirements: ## Pin the newest versions
	$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --output-file requirements/base.txt requirements/base.in
	$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --allow-unsafe --output-file requirements/dev.txt requirements/dev.in
