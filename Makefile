# One command each. PYTHON is the interpreter to build .venv with; TORCH the build of torch to install first:
# on a Linux machine with an NVIDIA card the plain pin is the CUDA build (several GB), elsewhere the CPU build.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test check lint install install-demo lock docs format clean

demo: install-demo  ## see it work: prints one address, Ctrl-C ends everything
	$(BIN)/python -m sandbox demo

# A file's tests stay together, for they share what they loaded. Each process holds up to 2 GB: no more than four.
test: install  ## every test that needs no GPU
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: lint test  ## what the gate runs: format, lint, types, tests

lint: install  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

install: $(VENV)/.installed-test  ## everything, tests included

install-demo: $(VENV)/.installed-demo  ## what the demo needs, no test tools

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# torch goes first and by exact pin: a range, or another package's wish, would take a different build.
# Everything else comes in the versions of constraints.txt.
$(VENV)/.installed-demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) "$(TORCH)"
	$(PIP) --constraint constraints.txt --editable ".[worker,demo]"
	touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt $(VENV)/.installed-demo
	$(PIP) --constraint constraints.txt --editable ".[test]"
	touch $@

lock: install  ## takes the newest versions that pyproject.toml allows and writes them to constraints.txt
	$(PIP) --upgrade --upgrade-strategy eager --editable ".[test]"
	$(BIN)/python .ci/lock.py > constraints.new
	mv constraints.new constraints.txt

docs: install  ## writes the pages that are made from code, and builds the site of all pages into build/site
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --strict --quiet

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build data *.egg-info
