# Everything is made inside this checkout. `make` alone lists the targets.

PYTHON ?= python3
CORES := 2.19 2.18
CORE ?= $(CORES)
JOBS ?= 2
PYTEST_ARGS ?=

TOP := $(CURDIR)
VENV := .venv
VENV_2.19 := .venv
VENV_2.18 := .venv-2.18
MARKS_2.18 := -m 'not any_core'
PY := PATH="$(TOP)/$(VENV)/bin:$$PATH" $(VENV)/bin/python
LINK := .tree/ansible_collections/agfpd/iapeer_memory
FILES = $(shell git ls-files --cached --others --exclude-standard --deduplicate -- $(1))
TYPED_FILES = $(call FILES,'plugins/*.py' 'tests/fixtures/*.py' 'tests/tools/*.py' molecule/run_all.py 'molecule/shared/m*.py' \
    molecule/shared/inside/isolation.py)
SHELL_FILES = $(call FILES,.ci/run '*.sh')

export ANSIBLE_COLLECTIONS_PATH := $(TOP)/.tree
export ANSIBLE_HOME := $(TOP)/.ansible
export PIP_CACHE_DIR ?= $(TOP)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export XDG_CACHE_HOME := $(TOP)/.cache
export CONTAINER_ENGINE ?= $(notdir $(shell command -v podman || command -v docker))
export npm_config_cache := $(TOP)/.cache/npm

# Do not let an activated environment or a caller's settings reach the tools.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV ANSIBLE_CONFIG

.DEFAULT_GOAL := help
.PHONY: help venv $(CORES:%=venv-%) $(foreach t,unit integration sanity,$(CORES:%=$(t)-%)) \
    demo test lint unit integration sanity molecule molecule-if-engine real-clients bench fuzz crash build clean
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  CORE=2.19|2.18 selects one ansible-core (unit, integration, sanity); JOBS=N runs N tests at once;'
	@echo '  PYTEST_ARGS="..." goes to pytest; CONTAINER_ENGINE=podman|docker; MOLECULE_REQUIRED=1 makes test fail without one.'

demo: venv ## build a throwaway host, update it, verify it, stage drift and mend it
	PYTHONPATH=.tree $(PY) demo/run.py

test: lint unit integration sanity molecule-if-engine ## lint, unit, integration, sanity; molecule where a container engine is
	@echo 'test: all passed'

lint: venv ## ruff, mypy, ansible-lint (with yamllint), shellcheck where it is installed
	$(VENV)/bin/ruff check --output-format concise .
	$(VENV)/bin/mypy $(TYPED_FILES:%=$(LINK)/%)
	PATH="$(TOP)/$(VENV)/bin:$$PATH" $(VENV)/bin/ansible-lint
	@if command -v shellcheck >/dev/null; then set -x; shellcheck $(SHELL_FILES); \
	else echo 'shellcheck: SKIPPED, not installed'; fi

unit: $(CORE:%=unit-%) ## unit tests, on each ansible-core

integration: $(CORE:%=integration-%) ## integration tests (whole playbooks and modules on throwaway hosts), on each ansible-core

sanity: $(CORE:%=sanity-%) ## ansible-test sanity, on each ansible-core

$(CORES:%=unit-%): unit-%: venv-%
	$(VENV_$*)/bin/python -m pytest -n $(JOBS) tests/unit $(PYTEST_ARGS)

$(CORES:%=integration-%): integration-%: venv-%
	$(VENV_$*)/bin/python -m pytest -n $(JOBS) $(MARKS_$*) tests/integration $(PYTEST_ARGS)

$(CORES:%=sanity-%): sanity-%: venv-%
	$(VENV_$*)/bin/python tests/tools/sanity.py

molecule: venv ## the scenarios, in containers without a network
	$(PY) molecule/run_all.py

molecule-if-engine:
	@if command -v '$(CONTAINER_ENGINE)' >/dev/null; then \
	    $(MAKE) molecule; \
	elif [ "$${MOLECULE_REQUIRED:-0}" = 1 ]; then \
	    echo 'molecule: FAILED, no container engine (podman or docker) and MOLECULE_REQUIRED=1' >&2; exit 1; \
	else \
	    echo 'molecule: SKIPPED, no container engine (podman or docker) on this machine'; \
	fi

real-clients: venv .node/.stamp ## acceptance by the real codex and claude command lines
	PATH="$(TOP)/.node/node_modules/.bin:$$PATH" $(VENV)/bin/python -m pytest tests/real_clients $(PYTEST_ARGS)

bench: venv ## the benchmark
	PYTHONPATH=$(TOP)/.tree $(PY) tests/bench/bench.py

fuzz: venv ## the property tests, with many more examples
	HYPOTHESIS_PROFILE=fuzz $(VENV)/bin/python -m pytest -n $(JOBS) -m property $(PYTEST_ARGS)

crash: venv ## kill the work at every point and look at what is left
	$(VENV)/bin/python -m pytest -n $(JOBS) tests/crash $(PYTEST_ARGS)

build: venv ## the collection as a tarball in build/
	$(VENV)/bin/ansible-galaxy collection build --force --output-path build .

clean: ## remove everything made here
	rm -rf .venv .venv-2.18 .tree .node .cache .ansible .hypothesis build tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environments: .venv has ansible-core 2.19 and all the tools, .venv-2.18 the oldest supported core.

venv: venv-2.19
venv-2.19: .venv/.stamp $(LINK)
venv-2.18: .venv-2.18/.stamp $(LINK)

.venv/.stamp: requirements/core-2.19.txt requirements/test.txt
.venv-2.18/.stamp: requirements/core-2.18.txt requirements/test.txt

%/.stamp:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv --clear $*
	$*/bin/python -m pip install --quiet --requirement $<
	@touch $@

.node/.stamp: tests/real_clients/package.json tests/real_clients/package-lock.json
	mkdir -p .node
	cp $^ tests/real_clients/.npmrc .node/
	npm ci --prefix .node --ignore-scripts
	cd .node/node_modules/@anthropic-ai/claude-code && node install.cjs
	rm -rf .cache/npm
	@touch $@

# The checkout under its collection name: every import and every ansible command finds it here.
$(LINK):
	mkdir -p $(@D)
	ln -sfn ../../.. $@
