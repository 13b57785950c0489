# Two commands need nothing but Python 3.11, git and make:
#
#   make demo    train on the embedded synthetic motion, evaluate, and write a folder to look at
#   make test    every check that continuous integration makes
#
# Each makes .venv and installs what it needs; a second call installs nothing.

VENV    := .venv
BIN     := $(VENV)/bin
PYTHON  ?= $(shell command -v python3.11 || command -v python3)
WORKERS ?= 2
DEMO    ?= demo

# One thread a worker: two busy threads on two busy cores are slower than one.
ONE_THREAD := OMP_NUM_THREADS=1
PYTEST := $(ONE_THREAD) $(BIN)/pytest -n $(WORKERS) --doctest-modules \
          --jaxtyping-packages=posenet3d,beartype.beartype
SPHINX := $(ONE_THREAD) $(BIN)/sphinx-build -W --keep-going -d docs/_build/doctrees
GATED  := geometry losses skeletons plugins

# pip compiles nothing: of its thousands of modules most are never imported. What is, is compiled once
# and kept, in environments that forbid it too.
PIP := $(BIN)/python -m pip install --quiet --no-compile
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-all code lint unit docs dist clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile
	@echo "make lint    ruff, mypy and the layers contract"
	@echo "make docs    build the pages into docs/_build/html"
	@echo "make test-all  with the slow tests and many more random examples"
	@echo "make dist    build sdist and wheel"
	@echo "make clean   remove what the other commands made, .venv too"

demo: $(VENV)/.demo
	$(ONE_THREAD) $(BIN)/posenet3d demo --out $(DEMO)

# One core would be idle while docs are made. With make 4 the output of lint and of docs comes whole,
# at its end, and that of the tests as it comes.
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync)
test: $(VENV)/.dev
	$(MAKE) --jobs=2 $(SYNC:%=%=target) docs code

code: $(VENV)/.dev
	$(MAKE) lint
	$(MAKE) $(SYNC:%=%=none) unit

test-all: lint docs
	HYPOTHESIS_PROFILE=thorough $(PYTEST) src tests

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Shapes are checked at every call while the tests and the docstrings' examples run.
unit: $(VENV)/.dev
	$(PYTEST) -m "not slow" --cov --cov-report= --durations=15 src tests
	@for part in $(GATED); do \
	  echo "Branch coverage of $$part (at least 95 %):"; \
	  $(BIN)/coverage report --fail-under=95 \
	    --include="src/posenet3d/$$part.py,src/posenet3d/$$part/*" || exit 1; \
	done

docs: $(VENV)/.dev
	$(SPHINX) -b html docs docs/_build/html
	$(SPHINX) -q -b doctest docs docs/_build/doctest

dist: $(VENV)/.dev
	$(BIN)/python -m build --no-isolation

clean:
	rm -rf $(VENV) build dist docs/_build docs/auto_examples .coverage* \
	  .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Expected Python 3.11 or newer, found none; \
	on Debian: sudo apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Expected Python 3.11 or newer, got $$($(PYTHON) --version) at $(PYTHON); \
	name another one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make a virtual environment: its module venv or ensurepip is missing; \
	on Debian: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Torch comes first, by its exact version, so that nothing else chooses one.
$(VENV)/.torch: | $(BIN)/python
	$(PIP) torch==2.13.0
	@touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.torch
	$(PIP) -e ".[viz]"
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.torch
	$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/.demo
