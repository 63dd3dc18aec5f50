# Two commands matter: `make demo` and `make test`. Everything they need is put into .venv.
VENV := .venv
BIN := $(VENV)/bin
VIEWERS := .venv-viewers
# Which Python makes .venv: `make PYTHON=... demo`; else the first on the path that is new enough.
PYTHON ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help demo test viewers pictures lint types contracts format bench reference wheel clean
.DEFAULT_GOAL := help
# A stamp whose recipe failed must not look done.
.DELETE_ON_ERROR:

# .venv is made anew when it cannot be used: its Python is gone or another one, or it was moved or
# copied here. What it says of itself is kept in .venv/.python; asking costs one start of Python.
ASK := import sys; print(sys.prefix, *sys.version_info[:2])
USABLE := $(shell [ -f $(VENV)/.python ] && \
	[ "$$($(BIN)/python -Ic '$(ASK)' 2>/dev/null)" = "$$(cat $(VENV)/.python)" ] && echo yes)
ifneq ($(USABLE),yes)
.PHONY: $(VENV)/.python
endif
ifeq ($(wildcard $(BIN)/session-shell),)
.PHONY: $(VENV)/.run
endif

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

$(VENV)/.python:
	@set -e; python='$(PYTHON)'; \
	good() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	if [ -z "$$python" ]; then \
		for each in python3 python3.13 python3.12 python3.11 python; do \
			if good "$$each"; then python="$$each"; break; fi; \
		done; \
	fi; \
	if [ -z "$$python" ] || ! good "$$python"; then \
		found="$$("$${python:-python3}" --version 2>&1 | head -n 1)" || true; \
		echo "session-shell needs Python 3.11 or newer, found: $$found" \
			"(make PYTHON=/path/to/python ... chooses one)" >&2; \
		exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$python" --version) ..." >&2; \
	"$$python" -m venv --clear $(VENV); \
	$(BIN)/python -Ic '$(ASK)' > $@

$(VENV)/.run: $(VENV)/.python pyproject.toml
	@echo "Installing session-shell into $(VENV) ..." >&2
	@$(PIP) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@echo "Installing what the tests need ..." >&2
	@$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	@echo "Installing what the checks need ..." >&2
	@$(PIP) -e '.[lint]'
	@touch $@

# At a terminal the session gets a process group of its own (set -m): a Ctrl-C that stops a scan
# must not reach make, which would report "Interrupt" when the session is over.
demo: $(VENV)/.run ## open the demo session (runs standard input as commands if it is no terminal)
	@[ ! -t 0 ] || set -m; $(BIN)/session-shell open demo --config sessions --data data

test: $(VENV)/.test ## run all tests on all cores (ARGS="-k name" for some, "-n 0" one by one)
	@$(BIN)/python -m pytest -n auto $(ARGS)

# An environment of its own: checkers and viewers are ten times the size of everything else.
$(VIEWERS)/.ready: $(VENV)/.python pyproject.toml
	@echo "Installing what the checks with viewers need into $(VIEWERS) ..." >&2
	@$(BIN)/python -m venv --clear $(VIEWERS)
	@$(VIEWERS)/bin/python -m pip --disable-pip-version-check install --quiet -e '.[viewers]'
	@touch $@

$(VIEWERS)/h5web/dist/index.html: $(VIEWERS)/.ready $(wildcard tests/viewers/h5web/*.*)
	@echo "Building the page that shows files in h5web (needs npm) ..." >&2
	@rm -rf $(VIEWERS)/h5web
	@mkdir $(VIEWERS)/h5web
	@cp $(wildcard tests/viewers/h5web/*.*) $(VIEWERS)/h5web/
	@cd $(VIEWERS)/h5web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
		&& npm run build --silent -- --logLevel error

viewers: $(VIEWERS)/h5web/dist/index.html ## check files with four checkers and h5web (npm, Chromium)
	@$(VIEWERS)/bin/python -m pytest -m viewers tests/viewers $(ARGS)

pictures: $(VIEWERS)/h5web/dist/index.html ## take the pictures of docs/pictures/ anew
	@$(VIEWERS)/bin/python -m pip --disable-pip-version-check install --quiet -e '.[pictures]'
	@$(VIEWERS)/bin/python -m tests.viewers.pictures docs/pictures

lint: $(VENV)/.lint ## ruff: mistakes and layout
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.lint ## mypy, strict
	@$(BIN)/mypy

contracts: $(VENV)/.lint ## import-linter: who may import whom
	@$(BIN)/lint-imports

format: $(VENV)/.lint ## let ruff put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.run ## points per second and cost per scan, beside a reference
	@$(BIN)/python -m benchmarks

reference: $(VENV)/.test ## write docs/reference/commands.md from the commands
	@$(BIN)/python -m tests.docs.command_reference

wheel: $(VENV)/.lint ## build the wheel into dist/
	@rm -rf dist build
	@$(BIN)/python -m build --wheel --outdir dist . >/dev/null
	@ls dist/*.whl

clean: ## remove what make made (not data/)
	rm -rf $(VENV) $(VIEWERS) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
