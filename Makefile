# make demo | test | fast | check | fuzz | bench | format | docs | clean
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= testdata/classic-iso/evidence
CASE ?= demo-case
# An editable install compiles nothing, and some machines forbid it later: each start would cost half a second more.
COMPILE := $(BIN)/python -m compileall -q forensic_iso parsers tui && $(BIN)/python -m forensic_iso.case.empty
FUZZ_ROUNDS ?= 20
FUZZ_VARIANTS ?= 20000
RUN_STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: demo test fast check fuzz bench format docs clean
.DEFAULT_GOAL := test

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: expected Python 3.11 or newer, found $$($(PYTHON) --version 2>&1); set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "make: $(PYTHON) -m venv failed; on Debian and Ubuntu install python3-venv" >&2; exit 1; }

# A stamp newer than pyproject.toml means: installed as declared.
$(RUN_STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@$(COMPILE)
	@touch $@

$(DEV_STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@$(COMPILE)
	@touch $@ $(RUN_STAMP)

# Exit code 3 says that part of the evidence could not be read: shown, no failure of the demo.
demo: $(RUN_STAMP)
	rm -rf -- "$(CASE)"
	$(BIN)/forensic-iso analyze "$(DEMO)" --case "$(CASE)" || test $$? -eq 3

test: $(DEV_STAMP)
	$(BIN)/python -m pytest

# What to run after each change: all but whole commands, many processes and much evidence. Under three minutes on two cores.
fast: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 3 -m "not slow"

check: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.licences
	$(BIN)/python -m tools.sql_check
	$(BIN)/python -m tools.docs --check

fuzz: $(DEV_STAMP)
	@set -e; for round in $$(seq $(FUZZ_ROUNDS)); do \
	  HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -m hypothesis --hypothesis-seed=$$RANDOM; \
	  FUZZ_SEED=$$RANDOM FUZZ_VARIANTS=$(FUZZ_VARIANTS) $(BIN)/python -m pytest tests/parsers/test_fuzz.py; \
	done

# SAMPLES: a folder with event logs, $$MFTs, journals ($$J), shortcuts and prefetch files.
bench: $(DEV_STAMP)
	@test -n "$(SAMPLES)" || { echo "make bench: expected SAMPLES=folder of evidence, found none" >&2; exit 1; }
	@set -e; one() { find "$(SAMPLES)" -type f -name "$$1" -size "$$2" | sort | head -n 1; }; \
	run() { echo "== $$*"; PYTHONPATH=. "$(BIN)/python" "$$@"; }; \
	run benchmarks/evtx_reader.py "$$(one '*.evtx' +1000k)"; \
	run benchmarks/mft_reader.py "$$(one '*MFT*' +1000k)"; \
	run benchmarks/usn.py "$$(one '*J*' +1000k)"; \
	for name in lnk prefetch evtx_case evtx_split image_case; do run benchmarks/$$name.py "$(SAMPLES)"; done; \
	run benchmarks/hand_over.py; \
	work=$$(mktemp -d); trap 'rm -rf -- "$$work"' EXIT; \
	run benchmarks/timeline_case.py "$$work/case" 10000000; run benchmarks/tui_pty.py "$$work/case"

format: $(DEV_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DEV_STAMP)
	$(BIN)/python -m tools.docs

clean:
	rm -rf -- $(VENV) dist build *.egg-info demo-case
