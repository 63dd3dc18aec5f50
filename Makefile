# Two commands matter: `make demo` and `make test`. Everything they need is put into .venv.
VENV := .venv
BIN := $(VENV)/bin
# The first Python on the path that is new enough; `make PYTHON=... demo` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$p; break; fi; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help demo test lint types contracts format bench wheel clean
.DEFAULT_GOAL := help

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(if $(PYTHON),,echo "session-shell needs Python 3.11 or newer (found: $$(python3 --version 2>&1)); install one or use make PYTHON=/path/to/python" >&2; exit 1)
	@$(PYTHON) -c 'import sys; v = sys.version_info; v < (3, 11) and sys.exit("session-shell needs Python 3.11 or newer, $(PYTHON) is %d.%d" % v[:2])'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	@echo "Installing session-shell into $(VENV) ..." >&2
	@$(PIP) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@echo "Installing what the tests need ..." >&2
	@$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	@$(PIP) -e '.[lint]'
	@touch $@

demo: $(VENV)/.run ## open the demo session (reads commands from standard input if it is not a terminal)
	@$(BIN)/session-shell open demo --config sessions --data data

test: $(VENV)/.test ## run all tests (ARGS="-k name" for some)
	@$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.lint ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.lint ## mypy, strict
	@$(BIN)/mypy

contracts: $(VENV)/.lint ## who may import whom
	@$(BIN)/lint-imports

format: $(VENV)/.lint ## let ruff put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.run ## points per second and cost per scan, beside a reference
	@$(BIN)/python -m benchmarks

wheel: $(VENV)/.lint ## build the wheel into dist/
	@$(BIN)/python -m build --wheel --outdir dist . >/dev/null

clean: ## remove what make made (not data/)
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
