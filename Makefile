# All that one can do here. `make help` lists it; every target sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

# the other engines live apart: they need older packages than ours
PEERS := .venv-peers
PEERS_READY := $(PEERS)/ready
PEERS_PYTHON ?= $(shell for one in python3.11 python3.12 python3.13; do $$one -c "" 2>/dev/null && echo $$one && break; done)

# the same for what the race runs against
RACES := .venv-races
RACES_READY := $(RACES)/ready

# every measured run is a fresh process, and bytecode that is kept halves the time that its start takes
unexport PYTHONDONTWRITEBYTECODE

# the tests and the golden check compile the same code: once, for all of their processes
COMPILED := $(CURDIR)/.pytest_cache/code

.DEFAULT_GOAL := help
.PHONY: help demo test lint check bench peers mutants large calibrate lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# one change of each focus, on what it requires; `optimize` alone tries all there are
DEMO := vectorization/compiled_loop caching/feature_cache io/matrix_store gates/pass_sets early-exit/passing_bars \
	parallelism/spawned_trials

demo: $(READY) ## Profile, try, prove and measure a change of each focus on generated data; report in reports/demo
	@$(BIN)/optimize scale --budget 1 --out reports/demo
	@$(BIN)/optimize $(addprefix --only ,$(DEMO)) --attribute --budget 20 --out reports/demo; code=$$?; \
	case $$code in \
		1) echo "A change was refused: its notice tells why.";; \
		3) echo "The machine was too noisy to measure on: the notices say so. Try again when it is quiet.";; \
		*) exit $$code;; \
	esac

test: $(READY) ## Run all tests, with coverage, a file at a time on each of two cores
	NUMBA_CACHE_DIR=$(COMPILED) $(BIN)/pytest --cov -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY) ## Format check, lint, types, and the layers of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: $(READY) ## Hold the accepted build to the golden sets
	NUMBA_CACHE_DIR=$(COMPILED) $(BIN)/optimize check

bench: $(READY) ## Time the build, its rungs, vectorbt and the memory's floor side by side; writes docs/BENCH.md and reports/bench*.json
	@$(BIN)/optimize bench
	@$(MAKE) --no-print-directory $(RACES_READY) || echo "vectorbt's environment can't be set up, so it is left out"
	@$(BIN)/python -m tests.races.run $$(test ! -e $(RACES_READY) || echo $(RACES)/bin/python)

peers: $(READY) $(PEERS_READY) ## Hold the engine against other engines, trade by trade, and time them; writes docs/PEERS.md
	@PYTHONPATH=tests $(BIN)/python -m peers.run $(PEERS)/bin/python

mutants: $(READY) ## Attack the instrument with wrong variants and correct rewrites; writes docs/MUTANTS.md
	@$(BIN)/python -m tests.mutants.run

large: $(READY) ## Run 50 million bars in bounded memory; writes reports/large.json; a few minutes, 4 GB of disk
	@$(BIN)/python -m tests.large.run

calibrate: $(READY) ## Prove how often equal builds are called different, and which gains are found; 20 minutes
	@$(BIN)/python -m tests.calibration.run

lock: $(READY) ## Renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --universal --generate-hashes --no-annotate --no-header --no-emit-index-url --python-version 3.11 \
		--upgrade --group dev --output-file requirements.lock pyproject.toml

clean: ## Remove the environment, caches and runs; notices and golden sets stay
	rm -rf $(VENV) $(PEERS) $(RACES) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage reports/runs reports/demo reports/latest reports/index.html reports/index.md

$(READY): requirements.lock pyproject.toml
	@echo "Setting up $(VENV): once, about a minute"
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(RACES_READY): tests/races/requirements.txt | $(READY)
	@echo "Setting up $(RACES): once, about a minute"
	@$(BIN)/uv venv --quiet --clear --no-python-downloads --python $(BIN)/python $(RACES)
	@$(BIN)/uv pip sync --quiet --python $(RACES)/bin/python --require-hashes tests/races/requirements.txt
	@touch $@

$(PEERS_READY): tests/peers/requirements.txt | $(READY)
	@echo "Setting up $(PEERS): once, about a minute"
	@$(BIN)/uv venv --quiet --clear --no-python-downloads --python $(or $(PEERS_PYTHON),$(BIN)/python) $(PEERS)
	@$(BIN)/uv pip sync --quiet --python $(PEERS)/bin/python --require-hashes tests/peers/requirements.txt
	@touch $@
