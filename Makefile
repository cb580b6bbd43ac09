# The commands of this project; `make help` lists them. Everything lives in .venv and build output folders.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.set-up

.PHONY: help setup demo test lint integration bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: $(DONE) ## make .venv with pinned versions

$(DONE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "dqv needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $(DONE)

demo: setup ## build the demo dataset, check it, show the verdict and where the report is
	$(BIN)/dqv demo --out demo

lint: setup ## style, imports, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --cache-dir .import_linter_cache
	$(BIN)/mypy

test: lint ## lint, then all tests that need no server, in two processes
	$(BIN)/pytest --numprocesses 2 --dist worksteal -m "not integration"

integration: setup ## install and start what real tests need: browser, schedulers, faults, fuzz; a skip is a failure
	bash tests/integration/install.sh
	DQV_HYPOTHESIS=fuzz DQV_NO_SKIP=1 $(BIN)/pytest -m "integration or hypothesis"

bench: setup ## measure, side by side with the peers; writes benchmarks/README.md
	$(BIN)/python -m benchmarks.run

clean: ## remove what the targets made
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
