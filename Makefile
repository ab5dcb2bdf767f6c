# thecal. 'make' alone lists what there is to do. Works with GNU make 3.81 and newer, offline but for the package index.
VENV ?= .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-test
BENCH_STAMP := $(VENV)/.installed-bench
PAGE_STAMP := $(VENV)/.installed-page
# One more than two cores: some tests wait for a port or a clock.
JOBS ?= 3
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Tests start many interpreters; each would compile our modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests demo test test-long test-page pictures check lint types syntax rules flash test-emu test-board bench wiring manual docs-api hazards torture clean

help: ## list the targets
	@echo "thecal: a programmable bench pump. Never connect it to a person or an animal."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=...     the Python to use, 3.11 or newer (found by itself otherwise)"

# --- set-up ---------------------------------------------------------------------------------------------------------------

# A python3 on the PATH may be too old, or a shim that does not run: each candidate is tried, not only looked for.
$(BIN)/python:
	@found=; \
	for candidate in $(PYTHON) python3.14 python3.13 python3.12 python3.11 python3 python; do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$candidate; break; fi; \
	    if [ "$$candidate" = "$(PYTHON)" ]; then echo "PYTHON=$(PYTHON) does not run or is older than 3.11." >&2; exit 1; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "No Python 3.11 or newer was found." >&2; \
	    echo "Debian 12, Ubuntu 24.04 and newer: sudo apt install python3 python3-venv. macOS: brew install python. Or name one: make PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	fi; \
	if ! "$$found" -c 'import venv, ensurepip' >/dev/null 2>&1; then \
	    echo "$$found has no venv module. Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; \
	fi; \
	echo "setting up $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV)

$(RUN_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what thecal needs to run"
	@$(PIP) install --constraint constraints.txt --editable '.[pictures]'
	@touch $@

$(TEST_STAMP): $(RUN_STAMP)
	@echo "installing what the tests need"
	@$(PIP) install --constraint constraints.txt --editable '.[test]'
	@touch $@

$(BENCH_STAMP): $(TEST_STAMP)
	@echo "installing the peers of the benchmark"
	@$(PIP) install --constraint constraints.txt --editable '.[test,bench]'
	@touch $@

$(PAGE_STAMP): $(TEST_STAMP)
	@echo "installing what the tests of the page need"
	@$(PIP) install --constraint constraints.txt --editable '.[test,serve,page]'
	@touch $@

setup: $(RUN_STAMP) ## make .venv with thecal and what it needs to run
	@echo "ready: . $(BIN)/activate && thecal --help"

setup-tests: $(TEST_STAMP) ## add what the tests need

# --- the main job ---------------------------------------------------------------------------------------------------------

demo: $(RUN_STAMP) ## a day on the simulated pump, with a power cut, its journal read back; writes demo/
	@$(BIN)/python -m thecal.tools.demo

test: lint types ## everything that needs no hardware and not long; the last lines say which tiers ran
	@THECAL_HYPOTHESIS=brief $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m 'not long'

test-long: $(TEST_STAMP) ## what `make test` leaves out: long tests, and more examples of those that draw their input
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m 'long or hypothesis'

# One process, so one browser.
test-page: $(PAGE_STAMP) ## the page of `thecal serve` in a real Chromium; fails without one (Debian: apt-get install chromium)
	@PYTHONPATH=tests $(BIN)/python -m support.page.browser
	@THECAL_PAGE=must $(BIN)/python -m pytest -q tests/page

pictures: $(PAGE_STAMP) ## take the pictures of the page in host/page anew
	@THECAL_PAGE=must THECAL_PICTURES=keep $(BIN)/python -m pytest -q tests/page/test_looks.py

# --- checks ---------------------------------------------------------------------------------------------------------------

check: lint types syntax rules ## style, types (host and firmware), MicroPython syntax, rules of the house

lint: $(TEST_STAMP)
	@$(BIN)/ruff check --quiet . && echo "ruff: clean"

types: $(TEST_STAMP)
	@echo "mypy, host:" && $(BIN)/mypy host
	@echo "mypy, firmware against the board's stubs:" && $(BIN)/python tests/house_rules/firmware_types.py

syntax: $(TEST_STAMP)
	@$(BIN)/python -m pytest -q tests/house_rules/test_mpy_cross.py

rules: $(TEST_STAMP)
	@$(BIN)/python -m pytest -q tests/house_rules --deselect tests/house_rules/test_mpy_cross.py

# --- more, or longer ------------------------------------------------------------------------------------------------

torture: $(TEST_STAMP) ## the tests again with many more examples, on the emulated chip too if there is a UF2; hours
	@THECAL_HYPOTHESIS=torture $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal
	@if PYTHONPATH=tests $(BIN)/python -m support.rig.uf2; then \
	    THECAL_HYPOTHESIS=torture $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --target emu -m torture tests/pico; \
	else \
	    echo "NOT RUN: 1,000 halts, 600 power cuts, a flood of a minute and 1,000 slices by volume on the emulated chip" >&2; \
	fi

# `thecal flash --help` explains the words.
FLASH_OPTIONS = $(if $(PORT),--port '$(PORT)') $(if $(ID),--id '$(ID)') $(if $(BENCH),--bench '$(BENCH)') \
    $(if $(BOOT_DRIVE),--boot-drive '$(BOOT_DRIVE)') $(if $(filter-out 0,$(DRY_RUN)),--dry-run) $(if $(filter-out 0,$(YES)),--yes)

flash: $(RUN_STAMP) ## put the firmware on a Pico: PORT=... or ID=<usb serial>, BENCH=hardware/x.toml, DRY_RUN=1
	@$(BIN)/python -m thecal flash $(FLASH_OPTIONS)

test-emu: $(TEST_STAMP) ## the emulated RP2040: its own tests and the device scenarios; needs a UF2 (THECAL_UF2)
	@PYTHONPATH=tests $(BIN)/python -m support.rig.uf2
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --target emu tests/pico tests/device

test-board: $(TEST_STAMP) ## the device scenarios on a board: PORT=/dev/ttyACM0
	@if [ -z "$(PORT)" ]; then echo "name the board's port: make test-board PORT=/dev/ttyACM0" >&2; exit 1; fi
	@$(BIN)/python -m pytest -q --target "$(PORT)" tests/device

bench: $(BENCH_STAMP) ## ours against named peers on one emulated board, minutes: JSON=1, QUICK=1, ONLY="edges speed"; needs a UF2
	@PYTHONPATH=tests $(BIN)/python -m bench $(if $(filter-out 0,$(JSON)),--json) $(if $(filter-out 0,$(QUICK)),--quick) $(if $(ONLY),--only $(ONLY))

# The printed parts have an environment of their own, 1 GB, with exact versions: another version may write other STEP files.
CAD_VENV ?= .venv-cad
CAD_STAMP := $(CAD_VENV)/.installed
.PHONY: cad test-cad

$(CAD_STAMP): hardware/cad/requirements.txt | $(BIN)/python
	@echo "setting up $(CAD_VENV) for the printed parts, 1 GB"
	@$(BIN)/python -m venv $(CAD_VENV)
	@$(CAD_VENV)/bin/python -m pip --disable-pip-version-check --quiet install --requirement hardware/cad/requirements.txt
	@touch $@

cad: $(CAD_STAMP) ## write the printed parts of hardware/cad anew, after a change of sizes.toml: STEP, STL, pictures
	@PYTHONPATH=hardware/cad $(CAD_VENV)/bin/python -m thecal_cad

test-cad: $(CAD_STAMP) ## the printed parts: fresh against committed ones, sizes, clearances, walls; makes an environment of 1 GB
	@THECAL_CAD=must $(CAD_VENV)/bin/python -m pytest -q tests/cad

wiring: $(RUN_STAMP) ## write pages, drawings, lists of parts and labels of hardware/ anew
	@$(BIN)/python -m thecal.hardware hardware/tmc2209-peristaltic01.toml hardware/drv8833-coils.toml

DIST ?= dist
.PHONY: wheel

wheel: $(RUN_STAMP) ## build the wheel in dist/, for uvx, pipx and pip
	@$(PIP) install --constraint constraints.txt hatchling
	@rm -f $(DIST)/thecal-*.whl
	@$(BIN)/python -m hatchling build --target wheel --directory $(DIST)

manual: $(RUN_STAMP) ## write the manual page host/thecal.1 anew, from the help of the tool
	@$(BIN)/thecal help --man > host/thecal.1

docs-api: $(RUN_STAMP) ## write the pages of the Python interface anew, host/api, from its docstrings
	@$(BIN)/python -m thecal.tools.api_pages

hazards: $(RUN_STAMP) ## the hazard table: each hazard, the rules that hold it, their tests and mutations
	@PYTHONPATH=tests $(BIN)/python -m hazards

clean: ## remove what make and the demo made, .venv too
	rm -rf $(VENV) $(CAD_VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
