# README's commands. Everything is installed into .venv, pinned; programs are started as modules of its Python, since
# their own first lines name the folder in which they were installed.
PYTHON ?= python3
BIN := .venv/bin
SNAKEMAKE := $(BIN)/python -m snakemake
CORES ?= all
# Processes of the tests; a file of tests is one's. Files are taken in the order of tests/conftest.py.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Of the demo: what needs no training, and is made first.
FIRST_FIGURE := results/demo/figures/cleaning.svg
# The version of Python in .venv, where it is there, and of the one that is asked for.
PRINT_VERSION := import sys; print("%d.%d.%d" % sys.version_info[:3])
INSTALLED := $(if $(wildcard .venv/installed),$(shell $(BIN)/python -c '$(PRINT_VERSION)' 2>/dev/null || echo none))
# Asked for on the command line or in the environment; the default takes .venv as it is.
ifneq ($(origin PYTHON),file)
ASKED := $(shell $(PYTHON) -c '$(PRINT_VERSION)' 2>/dev/null)
$(if $(ASKED),,$(error PYTHON is $(PYTHON), which cannot be started: give the name or path of a Python))
endif
# Seed of the first round of `make soak`, and the number of its rounds.
SEED ?= $(shell $(BIN)/python -c "import secrets; print(secrets.randbelow(2**31))")
ROUNDS ?= 10

# Of `make describe`.
FOLDER ?= my_data

.PHONY: demo app describe test test-more soak lint bench clean
.DELETE_ON_ERROR:

demo: .venv/installed
	$(SNAKEMAKE) --cores $(CORES) --prioritize $(FIRST_FIGURE) --report results/demo/report.html --report-after-run
	@echo "Figures are in results/demo/figures, the report is results/demo/report.html"

# A page on this machine to try a model; options as in make app APP="--port 8800 --models <folder>".
app: .venv/installed
	PYTHONPATH=workflow $(BIN)/python -m app $(APP)

# A subject table and a study file for a folder of images; options as in make describe OPTIONS="--name clinic".
describe: .venv/installed
	PYTHONPATH=workflow $(BIN)/python -m cmrseg.describe $(OPTIONS) $(FOLDER)

# The same verdict every time: nothing is drawn without a seed, sets of text have one order.
test test-more: export PYTHONHASHSEED := 0

test: .venv/installed
	$(PYTEST) -m "not long and not slurm and not conda and not soak"

# What takes long, on a Slurm cluster of this machine, with a conda of its own, and what the demo's results must show;
# what cannot be had is skipped, and said. One process more, as that of the cluster mostly waits for its jobs.
test-more: WORKERS = 3
test-more: .venv/installed
	$(PYTEST) -m "(long or slurm or conda or demo) and not soak"

# By hand, before a release: property tests with other examples each round (the line above a round that failed shows it
# again), then what takes longest: forty kills, what networks learn of mice and of digital patients, all conda environments and their container
# image, and the demo on a Slurm cluster with conda, byte by byte, which needs the demo's results.
soak: .venv/installed
	@first=$(SEED); for round in $$(seq 0 $$(($(ROUNDS) - 1))); do \
		seed=$$((first + round)); echo "make soak SEED=$$seed ROUNDS=1"; \
		PYTHONHASHSEED=$$seed $(PYTEST) -q -m hypothesis --hypothesis-profile soak --hypothesis-seed $$seed || exit 1; \
	done
	$(PYTEST) -m soak

lint: .venv/installed
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy workflow/cmrseg workflow/app workflow/study
	$(BIN)/python -m snakefmt --check Snakefile workflow
	$(SNAKEMAKE) --lint

# Another Python than that of .venv, or one that is gone: .venv is made anew, which says so.
ifneq ($(and $(INSTALLED),$(or $(filter none,$(INSTALLED)),$(and $(ASKED),$(filter-out $(INSTALLED),$(ASKED))))),)
$(info .venv has Python $(INSTALLED), asked for is $(or $(ASKED),$(PYTHON)): .venv is made anew)
FRESH := --clear
.PHONY: .venv/installed
endif

.venv/installed: requirements.txt requirements-dev.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=...')"
	$(PYTHON) -m venv $(FRESH) .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

# How fast each stage is beside others that do the same work, each of these in an environment of its own in .bench.
bench: .venv/installed
	$(BIN)/python tests/benchmarks/run.py $(STAGES)

clean:
	rm -rf results .snakemake .bench
