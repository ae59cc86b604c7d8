# einfall: every target works on a machine with Python >= 3.11, pip, git, g++ and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format types bench golden clean

help: ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

setup: $(STAMP) ## Create .venv with einfall and its development tools.

run: setup ## The main job: reproduce the evaluation of FuseMax in out/fusemax.
	$(BIN)/einfall reproduce fusemax --out out/fusemax

test: setup lint types ## Lint, type-check and run all tests.
	$(BIN)/python -m pytest

lint: setup ## Check style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## Rewrite files in the project's format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## Check types.
	$(BIN)/mypy

bench: setup ## Print the performance ratios of benchmarks/.
	$(BIN)/python -m benchmarks

golden: setup ## Rewrite tests/golden from today's output; read the diff before you commit it.
	$(BIN)/python -m pytest --update-golden

clean: ## Remove what make and the tests created.
	rm -rf $(VENV) out .mypy_cache .pytest_cache .ruff_cache .hypothesis
