# make demo | check | test | notebooks | docs | durations | lint | clean. The first call makes .venv and installs everything; later calls find it ready.
VENV ?= .venv
BIN := $(VENV)/bin
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.10)
STAMP := $(VENV)/installed
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: demo check test notebooks docs durations lint clean

PYTEST := TF_NUM_INTRAOP_THREADS=1 $(BIN)/python -m pytest -n auto --no-loadscope-reorder

demo: $(STAMP)                     ## train on the built-in dates, translate, export, ask the SavedModel
	$(BIN)/python benchmarks/dates.py

check: lint                        ## while working: the quick tests that depend on what has changed since BASE
	@files=$$($(BIN)/python tests/affected.py $(BASE)); \
	if [ -n "$$files" ]; then $(PYTEST) --dist loadfile -m "not slow" $$files; else echo "no test depends on the change"; fi

test: $(STAMP)                     ## everything but notebooks; `make test ONLY="not slow"` leaves marked tests out
	$(PYTEST) --dist loadfile --durations 25 $(if $(ONLY),-m "$(ONLY)") --ignore tests/test_notebooks.py

notebooks: $(STAMP)                ## runs each from top to bottom
	$(PYTEST) --dist load tests/test_notebooks.py

durations: $(STAMP)                ## as test; writes tests/durations.json and fails unmarked tests over 5 s of CPU
	$(PYTEST) --dist loadfile --record-durations --ignore tests/test_notebooks.py

docs: $(VENV)/installed-docs       ## the site, in build/docs; every warning and every broken link is an error
	$(BIN)/python -m sphinx -q -n -W --keep-going -d build/doctrees -b html docs build/docs
	$(BIN)/python -m sphinx -q -n -W --keep-going -d build/doctrees -b doctest docs build/doctest
	@echo "open build/docs/index.html"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist runs .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): setup.cfg pyproject.toml
	@python=$$(for p in $(PYTHONS); do \
	    "$$p" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo "$$p" && break; done); \
	if [ -z "$$python" ]; then \
	    echo "tfllm needs Python 3.10, 3.11, 3.12 or 3.13; none of these is one: $(PYTHONS)" >&2; \
	    echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	[ -x $(BIN)/pip ] || "$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip  # Python 3.10's own resolves for hours
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(VENV)/installed-docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@
