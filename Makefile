# Everything a developer does, in a virtual environment of its own. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINS := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo install test check lint format bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## install gigo and run its demo: a study of a minute, then a report
	@$(BIN)/gigo demo

install: $(VENV)/.dev ## install gigo, editable, with the developers' tools

test: $(VENV)/.dev ## run the tests and the examples; COVERAGE=95: fail if they run less of the code
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal \
		$(if $(COVERAGE),--cov --cov-fail-under $(COVERAGE))

check: lint test ## everything that must hold before a commit

lint: $(VENV)/.dev ## style, format, types, and that imports point down the floors
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(VENV)/.dev ## mend style and format where a tool can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.dev ## run the benchmarks (start-up, corruptions, the engine, estimators, training speed against rivals)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/corruptions.py
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/estimators.py
	$(BIN)/python benchmarks/patches.py
	$(BIN)/python benchmarks/run.py

clean: ## remove the environment, caches and builds; runs stay
	rm -rf $(VENV) .cache .hypothesis .import_linter_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps make a second call instant; a change of the pins installs again.
$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(PINS) | $(VENV)/.created
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(PINS) | $(VENV)/.created
	$(PIP) install --quiet -c constraints.txt -e '.[dev]'
	@touch $(VENV)/.runtime $@
