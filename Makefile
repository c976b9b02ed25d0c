# Everything is made inside this checkout. `make` alone lists the targets.

PYTHON ?= python3
CORE ?=
JOBS ?= 2
# The tests wait for processes now and then.
WORKERS = $(shell expr $(JOBS) + 1)
SELECT ?=
CLIENTS ?= pinned
PYTEST_ARGS ?=
BENCH_ARGS ?=

TOP := $(CURDIR)
VENV := .venv
PY := PATH="$(TOP)/$(VENV)/bin:$$PATH" $(VENV)/bin/python
DOCS := PATH="$(TOP)/.venv-docs/bin:$$PATH"
LINK := .tree/ansible_collections/agfpd/iapeer_memory
FILES = $(shell git ls-files --cached --others --exclude-standard --deduplicate -- $(1))
TYPED_FILES = $(call FILES,'plugins/*.py' 'tests/fixtures/*.py' 'tests/tools/*.py' molecule/run_all.py 'molecule/shared/m*.py' \
    molecule/shared/inside/isolation.py)
SHELL_FILES = $(call FILES,.ci/run '*.sh')
TARBALL = build/agfpd-iapeer_memory-$(shell sed -n 's/^version: //p' galaxy.yml).tar.gz

SELECTED = $(if $(SELECT),-m '$(SELECT)') $(PYTEST_ARGS)

export ANSIBLE_COLLECTIONS_PATH := $(TOP)/.tree
export ANSIBLE_HOME := $(TOP)/.ansible
export PIP_CACHE_DIR ?= $(TOP)/.cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export XDG_CACHE_HOME := $(TOP)/.cache
export npm_config_cache := $(TOP)/.cache/npm

# Do not let an activated environment or a caller's settings reach the tools. Without bytecode, every process would
# compile all tests and all of the collection anew.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE VIRTUAL_ENV ANSIBLE_CONFIG

.DEFAULT_GOAL := help
.PHONY: help venv demo test matrix lint unit integration sanity molecule molecule-if-engine real-clients browser ecosystem \
    bench fuzz mutants crash changelog docs build importer clean
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  PYTHON=python3.N makes the environment; CORE="2.20 2.21" selects cores of the matrix; JOBS=N runs N tests at once;'
	@echo '  SELECT="not slow" chooses tests by their marks, PYTEST_ARGS="..." goes to pytest; CONTAINER_ENGINE=podman|docker;'
	@echo '  MOLECULE_REQUIRED=1 and MATRIX_REQUIRED=1 make a failure of what cannot be had.'

demo: venv ## build a throwaway host, update it, verify it, stage drift and mend it
	PYTHONPATH=.tree $(PY) demo/run.py

test: venv ## lint, unit, integration, sanity on one ansible-core, without what is slow; the main container scenario where an engine answers
	+SELECT='not slow' $(PY) tests/tools/phases.py test lint,sanity,molecule-if-engine unit integration

matrix: venv ## unit, integration and sanity on every maintained ansible-core; hosts on the oldest and the newest Python
	+$(PY) tests/tools/matrix.py $(CORE)

lint: venv ## ruff, mypy, ansible-lint (with yamllint), shellcheck, reuse, the changelog's fragments
	$(VENV)/bin/ruff check --output-format concise .
	@$(VENV)/bin/mypy $(TYPED_FILES:%=$(LINK)/%)
	$(PY) -m ansiblelint
	$(VENV)/bin/shellcheck $(SHELL_FILES)
	$(VENV)/bin/reuse lint --lines
	$(PY) -m antsibull_changelog lint

unit: venv ## unit tests
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal tests/unit $(SELECTED)

integration: venv ## integration tests: whole playbooks and modules on throwaway hosts
	$(VENV)/bin/python -m pytest -n $(WORKERS) tests/integration $(SELECTED)

sanity: venv ## ansible-test sanity, without what lint looks at (the matrix runs all of it)
	$(VENV)/bin/python tests/tools/sanity.py --brief

molecule: venv ## all scenarios, and a part of the integration tests, in containers without a network
	MOLECULE_REQUIRED=1 $(PY) molecule/run_all.py

molecule-if-engine: venv
	$(PY) molecule/run_all.py default

real-clients: venv .node/$(CLIENTS)/.stamp ## acceptance by the real codex and claude command lines (CLIENTS=newest: today's)
	CLIENTS=$(CLIENTS) PATH="$(TOP)/.node/$(CLIENTS)/node_modules/.bin:$$PATH" $(VENV)/bin/python -m pytest tests/real_clients $(PYTEST_ARGS)

browser: .venv-browser/.stamp $(LINK) ## the page of a fleet in a real browser (chromium with its driver)
	.venv-browser/bin/python -m pytest tests/browser $(PYTEST_ARGS)

ecosystem: .venv-ecosystem/.stamp $(LINK) ## ansible-runner, ansible-builder, ansible-pull, AWX and ARA with docs/examples
	.venv-ecosystem/bin/python -m pytest -n $(JOBS) tests/ecosystem $(PYTEST_ARGS)

bench: venv .venv-bench/.stamp ## the benchmark: docs/bench.md and its plots
	PYTHONPATH=$(TOP)/.tree $(PY) tests/bench/bench.py --out docs $(BENCH_ARGS)
	.venv-bench/bin/python tests/bench/plot.py docs

fuzz: venv ## the property tests, with many more examples
	HYPOTHESIS_PROFILE=fuzz $(VENV)/bin/python -m pytest -n $(JOBS) -m property $(PYTEST_ARGS)

mutants: venv ## the code changed here and there, to see whether its unit tests notice (SEED=N COUNT=N ONLY=path)
	$(PY) tests/tools/mutants.py

crash: venv ## kill the work at every point, or at one of CRASH_EVERY=N, and look at what is left
	$(VENV)/bin/python -m pytest -n $(JOBS) tests/crash $(PYTEST_ARGS)

changelog: venv ## a release's CHANGELOG.md, from its fragments
	$(PY) -m antsibull_changelog release

docs: .venv-docs/.stamp $(LINK) ## the documentation site, in build/docs/html
	rm -rf build/docs && mkdir -p build/docs/rst && chmod go-w build/docs/rst
	$(DOCS) antsibull-docs lint-collection-docs --plugin-docs .
	$(DOCS) antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir build/docs/rst agfpd.iapeer_memory
	$(DOCS) sphinx-build -q -W --keep-going -c docs/docsite build/docs/rst build/docs/html

build: venv ## the collection as a tarball in build/
	$(VENV)/bin/ansible-galaxy collection build --force --output-path build .

importer: build .venv-importer/.stamp ## Galaxy's own importer on the tarball
	.venv-importer/bin/python tests/tools/importer.py $(TARBALL)

clean: ## remove everything made here
	rm -rf .venv .venv-* .tree .node .cache .ansible .hypothesis build tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environments: .venv has the newest ansible-core for $(PYTHON) and all the tools; .venv-core-N and .venv-pyN are the
# matrix's, one for each core, and for each Python without ansible.

venv: .venv/.stamp $(LINK)

define fresh_venv
$(PYTHON) -m venv --clear $(@D)
$(@D)/bin/python -m pip install --quiet --requirement $<
@touch $@
endef

.venv/.stamp: requirements/tools.txt requirements/test.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(fresh_venv)

.venv-py%/.stamp: requirements/test.txt
	$(fresh_venv)

.venv-%/.stamp: requirements/%.txt requirements/test.txt
	$(fresh_venv)

.node/pinned/.stamp: tests/real_clients/package.json tests/real_clients/package-lock.json
	mkdir -p $(@D)
	cp $^ tests/real_clients/.npmrc $(@D)
	npm ci --prefix $(@D) --ignore-scripts
	$(finish_clients)

.node/newest/.stamp:
	mkdir -p $(@D)
	cp tests/real_clients/.npmrc $(@D)
	npm install --prefix $(@D) --ignore-scripts @openai/codex@latest @anthropic-ai/claude-code@latest
	$(finish_clients)

define finish_clients
cd $(@D)/node_modules/@anthropic-ai/claude-code && node install.cjs
rm -rf .cache/npm
@touch $@
endef

# The checkout under its collection name: every import and every ansible command finds it here.
$(LINK):
	mkdir -p $(@D)
	ln -sfn ../../.. $@
