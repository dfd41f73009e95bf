# LapDepth Studio. `make help` lists what there is; `make demo` is the one to try first.
#
# Variables, from the environment or the command line (make demo GRADIO_PORT=7870):
#   HOST             address both pages listen on          default 127.0.0.1
#   GRADIO_PORT      port of the depth page and its API    default 7860
#   STREAMLIT_PORT   port of the explorer                  default 8501
#   TORCH_INDEX      package index for torch               default: the one for CPUs on Linux without
#                    an NVIDIA driver, where it answers; else the one pip uses
#   LAPDEPTH_DATA    real data for tests and training      default ../shared/data
#   PYTHON           the Python that makes .venv           default python3 (3.11 or newer)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo predict web test lint types audit unit lock docs clean distclean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | \
	  awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'
	@echo "Variables: HOST GRADIO_PORT STREAMLIT_PORT TORCH_INDEX LAPDEPTH_DATA PYTHON (see Makefile)"

setup: $(RUNTIME) ## make .venv and install what the program needs

demo: setup ## start both pages and print their addresses
	@if [ "$${HOST:-127.0.0.1}" = 127.0.0.1 ]; then export LAPDEPTH_ADAPT="$${LAPDEPTH_ADAPT:-on}"; fi; \
	  exec $(BIN)/python -m app.demo

predict: setup ## one photo to depth: make predict IMAGE=photo.jpg [OUT=out]
	$(if $(IMAGE),,$(error IMAGE is not set; expected a photo, as in: make predict IMAGE=photo.jpg))
	@$(BIN)/python -m core predict "$${IMAGE}" --out "$${OUT:-out}"

web: setup web/node_modules/.installed ## the browser edition, static files in build/web
	@$(BIN)/python -m scripts.web build/web
	@cd web && npm run --silent types && node build.mjs ../build/web
	@echo "build/web is ready for any static host; to try it: python3 -m http.server -d build/web"

web/node_modules/.installed: web/package-lock.json
	@cd web && npm ci --silent --no-audit --no-fund
	@touch $@

test: lint types audit unit ## lint, types, known vulnerabilities and the whole test suite

lint: $(DEVELOPMENT) ## ruff: rules and format; import-linter: who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(DEVELOPMENT) ## mypy, strict
	@$(BIN)/mypy

audit: $(DEVELOPMENT) ## packages against the list of known vulnerabilities
	@$(BIN)/python -m scripts.audit

unit: $(DEVELOPMENT) ## pytest alone: make unit PYTEST_ARGS=tests/core
	@$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile $(PYTEST_ARGS)

# Pillow is left to requirements-overrides.txt; "+cpu" and its like name a build, not a version.
lock: $(DEVELOPMENT) ## write constraints.txt from what is installed
	@{ echo "# The versions that passed the tests, written by \`make lock\` from .venv."; \
	   $(PIP) list --format=freeze --exclude pillow --exclude pip | \
	   sed 's/+[a-z0-9]*$$//'; } > constraints.txt

docs: $(DEVELOPMENT) ## the Python reference, in build/docs
	@$(BIN)/python -m scripts.reference --check
	@$(BIN)/python -m pdoc --docformat google --output-directory build/docs \
	  $$($(BIN)/python -m scripts.api_index)

clean: ## remove caches and outputs
	rm -rf build out outputs test-artifacts .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## remove .venv and web/node_modules too
	rm -rf $(VENV) web/node_modules

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is missing or older than 3.11; expected Python 3.11 or newer." \
	         "Install it, or name another: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment." \
	         "On Debian or Ubuntu run: sudo apt-get install python3-venv" >&2; exit 1; }

# A torch from another index comes first and alone; what it depends on comes with the rest.
$(RUNTIME): requirements.txt requirements-overrides.txt constraints.txt scripts/system_libs.py \
            scripts/torch_index.py \
            | $(BIN)/python
	@index="$(TORCH_INDEX)"; [ -n "$$index" ] || index="$$($(BIN)/python scripts/torch_index.py)"; \
	  [ -z "$$index" ] || $(PIP) install --no-deps --index-url "$$index" \
	  --constraint constraints.txt torch || \
	  { [ -z "$(TORCH_INDEX)" ] && echo "torch: not there, so pip's own index is taken" >&2; }
	$(PIP) install --constraint constraints.txt --requirement requirements.txt
	$(PIP) install --no-deps --requirement requirements-overrides.txt
	@$(BIN)/python scripts/system_libs.py || true
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	$(PIP) install --constraint constraints.txt --requirement requirements-dev.txt
	@touch $@
