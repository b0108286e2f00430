# Two commands do all the set-up on a machine with Python 3.11, gcc and make: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint bench clean

demo: $(READY)  ## set up if needed, then run the main job
	$(BIN)/photinus demo

test: $(READY)  ## set up if needed, then run the whole suite, on all cores
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal

lint: $(READY)  ## linter, formatter, rooms, type checker
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(READY)  ## time the simulator
	$(BIN)/python benchmarks/engine.py

# Locked versions with hashes; the package itself is installed in place.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Photinus needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
