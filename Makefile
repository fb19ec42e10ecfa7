# README's two commands. Everything is installed into .venv, pinned.
PYTHON ?= python3
BIN := .venv/bin
CORES ?= all
# Processes of the tests; a file of tests is one's. Files are taken in the order of tests/conftest.py.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Of the demo: what needs no training, and is made first.
FIRST_FIGURE := results/demo/figures/cleaning.svg
# Seed of the first round of `make soak`, and the number of its rounds.
SEED ?= $(shell $(BIN)/python -c "import secrets; print(secrets.randbelow(2**31))")
ROUNDS ?= 10

.PHONY: demo app test test-more soak lint bench clean
.DELETE_ON_ERROR:

demo: .venv/installed
	$(BIN)/snakemake --cores $(CORES) --prioritize $(FIRST_FIGURE) --report results/demo/report.html --report-after-run
	@echo "Figures are in results/demo/figures, the report is results/demo/report.html"

# A page on this machine to try a model; options as in make app APP="--port 8800 --models <folder>".
app: .venv/installed
	PYTHONPATH=workflow $(BIN)/python -m app $(APP)

# The same verdict every time: nothing is drawn without a seed, sets of text have one order.
test test-more: export PYTHONHASHSEED := 0

test: .venv/installed
	$(PYTEST) -m "not long and not slurm and not conda and not soak"

# What takes long, on a Slurm cluster of this machine, with a conda of its own, and what the demo's results must show;
# what cannot be had is skipped, and said.
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
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy workflow/cmrseg workflow/app workflow/study
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

.venv/installed: requirements.txt requirements-dev.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=...')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

# How fast each stage is beside others that do the same work, each of these in an environment of its own in .bench.
bench: .venv/installed
	$(BIN)/python tests/benchmarks/run.py $(STAGES)

clean:
	rm -rf results .snakemake .bench
