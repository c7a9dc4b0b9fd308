# Each target does its own set-up on a fresh clone, and is quick the second time.
.DEFAULT_GOAL := help
.PHONY: help setup system style types floors test tests test-long lint compare docs site wheel clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS ?= train,geom,gen,app,mcp,decord,heic,dev
TORCH ?= # cpu: torch without CUDA; auto: for the driver of this machine; empty: what the package index has
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE  # the tests start many processes, which would compile everything anew

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## make a virtual environment for all other targets; TORCH=cpu leaves CUDA out, TORCH=auto asks the driver

$(READY): pyproject.toml constraints.txt | system
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --constraint constraints.txt $(if $(strip $(TORCH)),--torch-backend $(strip $(TORCH))) \
	    --config-setting editable_mode=compat --editable '.[$(EXTRAS)]'  # found also from the folder that holds the clone
	@touch $(READY)

system:
	@sh .ci/system-packages

lint: $(READY)  ## run ruff, mypy and import-linter
	@$(MAKE) --no-print-directory --jobs 2 --output-sync style types floors

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

floors: $(READY)
	$(BIN)/lint-imports

test: $(READY)  ## lint, and beside it run the tests (minutes on two cores), with the wheel built and run from elsewhere
	@$(MAKE) --no-print-directory --jobs 2 lint tests

tests: $(READY)
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal

test-long: $(READY)  ## run the tests of over two seconds, which `make test` leaves out
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal --long -m long $$(grep -rl --include=*.py mark.long tests)

compare: $(READY)  ## train 2D, 3D and 4D arms on procedural worlds, score them, write outputs/compare/quick/report.html
	$(BIN)/region4d compare

docs: $(READY)  ## fill the tables of README and docs/ from results/ and configs/extractor/
	$(BIN)/region4d records docs

site: $(READY)  ## build the documentation as HTML, readable offline: outputs/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

wheel: $(READY)  ## build dist/region4d-*.whl, and test it with all its verbs
	$(BIN)/python -m pip wheel --no-deps --no-build-isolation --quiet --wheel-dir dist .
	$(BIN)/python -m pytest --slow tests/end_to_end/test_wheel.py

clean:  ## remove what the targets made, except the virtual environment
	rm -rf outputs build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
