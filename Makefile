# make demo        estimate and correct the pictures in examples/, from a bare checkout
# make test        install the development extras, check types and style, run the tests
# make test-fast   the same without the tests marked slow, for people at work
# make test-tools  only the tests that need a C compiler, Arm's compiler, QEMU and cmake; none of them is skipped
# make fuzz        damage files and hand them to all readers, MINUTES=60 long; findings lie in fuzz-findings/
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-fast test-tools fuzz check clean

demo: $(VENV)/.installed
	@echo "awbkit estimate examples/pictures"
	@$(BIN)/awbkit estimate --format table examples/pictures
	@echo
	@echo "awbkit correct examples/pictures -d demo-output --to jpg"
	@$(BIN)/awbkit correct --format table --if-exists replace --to jpg -d demo-output examples/pictures
	@echo
	@echo "Before: examples/pictures    After: demo-output"

PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

test: $(VENV)/.installed-dev check
	$(PYTEST) $(TESTS)

test-fast: $(VENV)/.installed-dev check
	$(PYTEST) -m "not slow" $(TESTS)

test-tools: $(VENV)/.installed-dev
	$(PYTEST) -m "compiler or cortex or cmake" --tools-required $(TESTS)

MINUTES ?= 60
fuzz: $(VENV)/.installed-dev
	$(BIN)/python tests/fuzz/fuzz_readers.py --minutes $(MINUTES)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The two stamps hold the state of pyproject.toml that is installed, so that a second run installs nothing.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable .
	@$(BIN)/python -m compileall -q awbkit
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m compileall -q awbkit
	@touch $@ $(VENV)/.installed

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "awbkit needs Python 3.11 or newer; run: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "on Debian and Ubuntu, venv is a package: apt-get install python3-venv"; exit 1; }

clean:
	rm -rf $(VENV) demo-output fuzz-findings build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
