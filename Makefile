# One command runs the main job, one passes the tests; each makes its own environment.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: study quick up test fast check clean

study: .venv/all            ## the case study: about 8 minutes on 2 quiet cores
	$(BIN)/net4moe study

quick: .venv/all            ## the same, small: within 2 minutes
	$(BIN)/net4moe study --quick --out runs/quick

up: .venv/all               ## a gateway and three devices on this computer
	$(BIN)/net4moe up

test: .venv/dev             ## the test suite, a process for each core
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

fast: .venv/dev             ## all of it but what solves or plans whole scenarios
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m "not slow"

check: .venv/dev            ## format, lint, imports, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python

.venv/python:
	$(PYTHON) -m venv .venv
	@touch $@

.venv/all: .venv/python pyproject.toml
	@echo "installing net4moe[all] into .venv, once (about a minute) ..."
	$(PIP) --editable '.[all]'
	@touch $@

.venv/dev: .venv/python pyproject.toml
	@echo "installing net4moe[dev] into .venv, once (about a minute) ..."
	$(PIP) --editable '.[dev]'
	@touch $@ .venv/all

clean:
	rm -rf .venv runs
