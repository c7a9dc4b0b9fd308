# Two commands on a fresh clone: `make compare` and `make test`. Each does its own set-up, and is quick the second time.
.DEFAULT_GOAL := help
.PHONY: help setup system test lint compare clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS ?= train,geom,gen,app,decord,dev
export UV_COMPILE_BYTECODE := 1

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## virtual environment with everything that the two commands need (about 8 GB)

$(READY): pyproject.toml constraints.txt | system
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $(READY)

system:
	@sh .ci/system-packages

lint: $(READY)  ## ruff, mypy, import floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## lint, then the test suite (a few minutes on two cores)
	$(BIN)/python -m pytest

compare: $(READY)  ## train 2D, 3D and 4D arms on procedural worlds, score them, write outputs/compare/quick/report.html
	$(BIN)/region4d compare

clean:  ## remove what the commands made (not the virtual environment)
	rm -rf outputs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
