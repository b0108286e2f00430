# Two commands do all the set-up on a machine with Python 3.11 and make: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Each lock has what a command needs: the main job, besides it tests and linters, or the documentation.
DEMO := $(VENV)/.demo
DEV := $(VENV)/.dev
DOCS := $(VENV)/.docs
# Other programs that benchmarks compare with live in an environment of their own.
BENCH := build/bench/.done
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test lint docs figures wheel bench clean

demo: $(DEMO)  ## set up if needed, then run the main job
	$(BIN)/photinus demo

test: $(DEV)  ## set up if needed, then run the whole suite, on all cores
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(DEV)  ## linter, formatter, rooms, type checker; fails where a picture is old
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python -m studies.pictures --check

figures: $(DEV)  ## draw the pictures of README and docs that are older than what draws them
	$(BIN)/python -m studies.pictures

docs: $(DOCS)  ## build the documentation into build/docs; any warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -d build/doctrees docs build/docs

wheel: $(DEMO)  ## build the sdist and the wheel into dist/
	$(BIN)/hatchling build

bench: $(BENCH)  ## one table of timings beside other programs; OPTIONS=--quick takes a few minutes
	build/bench/bin/python benchmarks/table.py $(OPTIONS)

# Locked versions with hashes; the package itself is installed in place.
$(DEMO): locks/demo.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Photinus needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r locks/demo.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(DEV): $(DEMO) locks/dev.lock
	$(PIP) install --require-hashes -r locks/dev.lock
	touch $@

$(DOCS): $(DEV) locks/docs.lock
	$(PIP) install --require-hashes -r locks/docs.lock
	touch $@

$(BENCH): locks/bench.lock pyproject.toml
	test -x build/bench/bin/python || $(PYTHON) -m venv build/bench
	build/bench/bin/python -m pip --quiet install --require-hashes -r locks/bench.lock
	build/bench/bin/python -m pip --quiet install --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf $(VENV) build dist docs/reference docs/gallery .pytest_cache .mypy_cache .ruff_cache
