# Coterie from a fresh clone: `make demo` shows it, `make test` tests it. Both make .venv first.

# The Python that makes .venv (3.11 or 3.12): make PYTHON=/path/to/python3.11 demo
PYTHON ?=
# The address of a package index with PyTorch's CPU builds, for machines whose default index gives
# the CUDA build of several gigabytes: make TORCH_INDEX=ADDRESS demo
TORCH_INDEX ?=
# Test processes side by side. Each keeps to one thread (tests/conftest.py).
WORKERS ?= 2
# How many times the demo's order lines `make bench-features` takes.
SIZES ?= 1 10
# What `make bench-models` takes (cj90 cj30 cdnow273 cdnow181 contracts; empty: all of them), and
# whether one cut-off of each is enough: make DATA=cj30 QUICK=1 bench-models
DATA ?=
QUICK ?=
# An experiment file of your own for `make bench-models` to take instead.
FILE ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
SOURCES := features training serving coterie

.DEFAULT_GOAL := help
.PHONY: help demo test slow spark check format docs bench-features bench-models bench-scale clean

help:  ## say what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22
	@echo
	@echo "Variables: PYTHON (3.11 or 3.12), TORCH_INDEX (an index with PyTorch's CPU builds), WORKERS ($(WORKERS)), SIZES ($(SIZES)), DATA, QUICK, FILE"

demo: .venv/.installed  ## train, register, score, serve and ask, on the demo data
	$(BIN)/coterie demo

test: .venv/.installed  ## the fast tests, doctests and the README's quick blocks
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

slow: .venv/.installed  ## the slow tests and the browser's
	$(BIN)/pytest -m "slow or browser" -n $(WORKERS) --dist loadgroup --durations 10

spark: .venv/.spark  ## the tests on Spark; needs Java 17 or 21
	$(BIN)/pytest -m spark --durations 10

check: .venv/.installed  ## lint, format, types, layers: what must be clean before a commit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports

format: .venv/.installed  ## let ruff put the code in order
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: .venv/.installed  ## write docs/features.md from the catalog, for the demo's data
	$(BIN)/python -m features.page mlflow/experiments/complete_journey.toml docs/features.md

bench-features: .venv/.installed  ## the feature pipeline beside pandas, DuckDB and Polars
	$(PIP) --quiet -e '.[demo,dev,bench]'
	$(BIN)/python benchmarks/bench_features.py --sizes $(SIZES) --out out/bench_features.md

bench-models: .venv/.installed  ## churn and value beside naive rules and a strong blend, out of time
	$(BIN)/python benchmarks/bench_models.py --workers $(WORKERS) $(if $(DATA),--data $(DATA)) $(if $(FILE),--file $(FILE)) $(if $(QUICK),--quick) --out $(if $(DATA)$(QUICK)$(FILE),out/bench_models.md,docs/benchmarks/models.md)

bench-scale: .venv/.installed  ## seconds and memory of the commands, up to a million customers
	$(BIN)/python benchmarks/bench_scale.py --out out/bench_scale.md

# One pip command, so that mlflow and bentoml agree on their common dependencies, by a pip of today:
# what a Python brings may need twice as long. pip would compile on one core, and the packages' own
# tests too. The stamp is written last: an install that was broken off is taken up again.
.venv/.installed: pyproject.toml constraints.txt
	@set -e; \
	python=""; \
	for one in $(or $(PYTHON),python3.11 python3.12 python3); do \
	    if "$$one" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; \
	    then python="$$one"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Coterie needs Python 3.11 or 3.12. Seen: none by the name of $(or $(PYTHON),python3.11$(,) python3.12 or python3). Remedy: install one, or name it: make PYTHON=/path/to/python3.11" >&2; \
	    exit 2; \
	fi; \
	if [ ! -x $(BIN)/python ]; then \
	    echo "Making .venv with $$("$$python" --version) ..."; \
	    "$$python" -m venv .venv || { rm -rf .venv; \
	        echo "The virtual environment could not be made. Remedy: install the venv module of $$python (on Debian: apt install python3-venv)" >&2; exit 2; }; \
	fi; \
	echo "Installing from constraints.txt: two minutes or more, about 2 GB on disk, more with a CUDA build of PyTorch ..."
	$(PIP) --quiet --upgrade pip
	$(PIP) --no-compile $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -e '.[demo,dev]'
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests/' .venv/lib || true
	@touch $@

.venv/.spark: .venv/.installed
	$(PIP) -e '.[demo,dev,spark]'
	@touch $@

, := ,

clean:  ## remove .venv, caches and what was built; the MLflow store in mlflow/ stays
	rm -rf .venv build dist out *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find coterie features training serving tests -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf __pycache__
