# einfall: every target works on a machine with Python >= 3.11, pip, git, g++ and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
GPU_VENV  := .venv-gpu
GPU_STAMP := $(GPU_VENV)/.installed
# Versions that work together on a CPU: torch's own build for it, and the first triton whose
# interpreter takes every numpy that we allow.
GPU_PINS  := 'torch==2.13.0+cpu' 'triton==3.9.0'
TORCH_CPU := https://download.pytorch.org/whl/cpu/torch/

.DEFAULT_GOAL := help
.PHONY: help setup run test rtl-coverage test-gpu-cpu lint format types bench golden clean

help: ## Show this list.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev,rtl,search]'
	touch $(STAMP)

setup: $(STAMP) ## Create .venv with einfall and its development tools.

run: setup ## The main job: reproduce the evaluation of FuseMax in out/fusemax.
	$(BIN)/einfall reproduce fusemax --out out/fusemax

test: setup lint types ## Lint, type-check and run all tests.
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile rtl tests

rtl-coverage: setup ## Print the code coverage of the RTL's leaf modules.
	$(BIN)/python -m pytest rtl/tests/test_coverage.py

$(GPU_STAMP): pyproject.toml
	$(PYTHON) -m venv $(GPU_VENV)
	$(GPU_VENV)/bin/python -m pip install --quiet --upgrade pip
	$(GPU_VENV)/bin/python -m pip install --quiet --retries 1 --find-links $(TORCH_CPU) $(GPU_PINS)
	$(GPU_VENV)/bin/python -m pip install --quiet --editable . pytest hypothesis
	touch $(GPU_STAMP)

test-gpu-cpu: $(GPU_STAMP) ## Check the GPU kernels on a CPU: interpreted, counted, compiled for sm_90.
	TRITON_DEFAULT_FP_FUSION=1 $(GPU_VENV)/bin/python -m pytest tests/workloads/gpu

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
	rm -rf $(VENV) $(GPU_VENV) out .mypy_cache .pytest_cache .ruff_cache .hypothesis
