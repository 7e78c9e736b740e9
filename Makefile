# What this needs of the machine: Python 3.11 or later, Go and make. Each target sets up the rest for itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Is newer than the requirements when the virtual environment holds what they say.
INSTALLED := $(VENV)/.installed

# Several tests at a time, those that share servers one after another: tests/conftest.py makes the groups.
PARALLEL := --numprocesses auto --dist loadscope --no-loadscope-reorder
# The long runs have hours.
UNHURRIED := --timeout 7200

# The types of Grafana's JSON, and what checks them; and Perses, which draws the boards. Perses 0.54 cannot be installed.
BOARDS_PACKAGES := @grafana/schema@13.2.3 typescript@7.0.2 esbuild@0.28.2 react@18.3.1 react-dom@18.3.1 \
	@perses-dev/components@0.52.0 @perses-dev/core@0.52.0 @perses-dev/dashboards@0.52.0 @perses-dev/explore@0.52.0 \
	@perses-dev/plugin-system@0.52.0 @perses-dev/prometheus-plugin@0.53.4 @perses-dev/stat-chart-plugin@0.10.0 \
	@perses-dev/timeseries-chart-plugin@0.10.2 @perses-dev/markdown-plugin@0.9.1 @mui/material@6.5.0 \
	@tanstack/react-query@4.44.0 use-query-params@2.2.2

# Or each program that a test starts would compile the modules again.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help venv check static unit test test-gitops test-migration test-hooks nightly laws soak uptime crowds demo bench bench-loop
.PHONY: policies test-policies test-looks test-boards sbom plugin site testbed charts bench-variables bench-lint bench-changes format lock clean

help: ## Show this list
	@echo "Usage: make TARGET"
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)$$/\1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 17 | sed 's/^/  /'

venv: $(INSTALLED) ## Make the virtual environment .venv, with the keyhole command in it
	@:

check: $(INSTALLED) ## Check everything that needs no server: style, types, imports, unit tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target static unit

static: $(INSTALLED) ## Check style, types, imports and the links of the documentation alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory site

unit: $(INSTALLED) ## Run the tests that need no server alone
	$(BIN)/pytest $(PARALLEL) -m "not servers and not gitops and not network and not migration and not policies \
		and not looks and not boards"

test: check testbed ## Check, then run the end-to-end tests on a real API server, etcd and Vault
	$(BIN)/pytest $(PARALLEL) -m "servers and not nightly" tests/e2e tests/testbed tests/charts

test-gitops: $(INSTALLED) ## Run the tests with real Flux, Argo CD and helm; the first time builds them
	$(BIN)/python -m testbed build redis-server kustomize-controller argocd helm
	$(BIN)/pytest -m gitops

test-migration: $(INSTALLED) ## Compare what is migrated with what vals makes of the original (VALS=PROGRAM)
	VALS="$(abspath $(VALS))" $(BIN)/pytest -m migration tests/migration

test-policies: $(INSTALLED) ## Run policies and plans in opa, conftest, gator, tofu, terraform (OPA=PROGRAM, …, or from PATH)
	OPA="$(OPA)" CONFTEST="$(CONFTEST)" GATOR="$(GATOR)" TOFU="$(TOFU)" TERRAFORM="$(TERRAFORM)" \
		$(BIN)/pytest -m policies tests/policies

test-looks: $(INSTALLED) ## Look at the pages in a browser (needs chromium, npm, Java; indexes for pip and npm)
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements-looks.txt
	npm install --prefix build/looks-programs --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
		--loglevel error axe-core@4.14.1 vnu-jar@26.9.27
	$(BIN)/pytest -m looks tests/enforcer/looks tests/changes/looks

test-boards: $(INSTALLED) testbed ## Boards and alerts on real Prometheus and Alertmanager (PROMETHEUS=PROGRAM, …, or from PATH)
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet --require-hashes -r requirements-looks.txt
	npm install --prefix build/boards-programs --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
		--loglevel error $(BOARDS_PACKAGES)
	PROMETHEUS="$(PROMETHEUS)" PROMTOOL="$(PROMTOOL)" ALERTMANAGER="$(ALERTMANAGER)" AMTOOL="$(AMTOOL)" \
		PERCLI="$(PERCLI)" JSONNET="$(JSONNET)" $(BIN)/pytest -m boards tests/boards

test-hooks: $(INSTALLED) ## Run the hooks with the real pre-commit, which installs the package (needs an index for pip)
	$(BIN)/pytest -m network tests/ci

nightly: test laws uptime crowds soak ## Everything, the same tests with large numbers too (hours)
	$(BIN)/pytest $(PARALLEL) -m "servers and nightly" tests/e2e tests/testbed tests/charts
	KEYHOLE_NAMESPACES=1000 $(BIN)/pytest $(UNHURRIED) -s -m servers tests/e2e/test_many_namespaces.py
	KEYHOLE_AWAY_SECONDS=600 KEYHOLE_LEADER_KILLS=20 KEYHOLE_VALUE_CHANGES=200 $(BIN)/pytest $(UNHURRIED) -s -m servers \
		tests/e2e/following/test_vault_away.py tests/e2e/following/test_leaders.py \
		tests/e2e/following/test_rotation.py
	KEYHOLE_RESTARTED_WORKLOADS=30 KEYHOLE_ENABLED_WORKLOADS=100 \
		$(BIN)/pytest $(UNHURRIED) -s -m servers tests/e2e/restarting/test_restarts.py
	KEYHOLE_REVISIONS=5 KEYHOLE_TIMES_ANEW=50 \
		$(BIN)/pytest $(UNHURRIED) -s -m servers tests/e2e/variables/test_lifetimes.py
	KEYHOLE_POLICIES=1000 $(BIN)/pytest $(UNHURRIED) -s -m servers tests/e2e/review/test_policies.py
	KEYHOLE_ENFORCER_NAMESPACES=1000 $(BIN)/pytest $(UNHURRIED) -s -m servers tests/e2e/enforcer/test_many.py
	for seed in 1000 2000 3000; do KEYHOLE_SEED=$$seed \
		$(BIN)/pytest $(UNHURRIED) -s -m servers tests/e2e/enforcer/test_audit_policy.py || exit 1; done
	KEYHOLE_GITOPS_CHANGES=100 $(BIN)/pytest $(UNHURRIED) -s -m gitops tests/gitops/test_commits.py
	KEYHOLE_HISTORIES=2000 $(BIN)/pytest tests/changes/join/test_never_exact_when_it_is_not.py
	KEYHOLE_KEYS=5000 $(BIN)/pytest $(UNHURRIED) -s -m servers tests/e2e/enforcer/test_demands.py

laws: $(INSTALLED) ## Hold the laws of patches and rendering against 100,000 generated objects (about an hour)
	KEYHOLE_LAW_OBJECTS=25000 $(BIN)/pytest $(UNHURRIED) tests/webhook/admission/test_patch_laws.py
	KEYHOLE_REQUESTS=10000 $(BIN)/pytest $(UNHURRIED) tests/webhook/admission/test_isolation.py
	KEYHOLE_LAW_OBJECTS=10000 $(BIN)/pytest $(UNHURRIED) tests/manifests/kinds/test_laws.py
	KEYHOLE_RENDER_DOCUMENTS=10000 KEYHOLE_BOSH_REFERENCES=100000 \
		$(BIN)/pytest $(UNHURRIED) tests/review/rendering/test_laws.py
	KEYHOLE_EDITS=20000 $(BIN)/pytest $(UNHURRIED) tests/review/sources/test_edits_law.py

soak: $(INSTALLED) ## Load one Keyhole steadily and see whether it leaks (MINUTES=30)
	$(BIN)/python -m bench soak --minutes $(or $(MINUTES),30)

uptime: $(INSTALLED) ## Replace replicas, connections (20 times) and certificates (50) under load (about half an hour)
	KEYHOLE_ROLLING_RESTARTS=20 KEYHOLE_CERTIFICATE_ROTATIONS=50 KEYHOLE_CONNECTION_CHANGES=20 \
		KEYHOLE_SOAK_SECONDS=120 KEYHOLE_LOAD_CLIENTS=8 KEYHOLE_LOAD_PAUSE_SECONDS=0.01 KEYHOLE_WORKER_KILLS=5 \
		$(BIN)/pytest $(UNHURRIED) -s -m servers tests/e2e/uptime/test_rolling.py tests/e2e/uptime/test_killed.py \
		tests/e2e/uptime/test_soak.py tests/e2e/certificates/test_rotation.py tests/e2e/test_vault_connections.py

crowds: $(INSTALLED) ## Have thousands who can prove nothing at every listener, and show what that costs (some minutes)
	KEYHOLE_CROWD=2100 KEYHOLE_CROWD_DRIP_SECONDS=9 KEYHOLE_CROWD_PAUSE_SECONDS=0 KEYHOLE_LABELLED_SECRETS=400 \
		$(BIN)/pytest $(UNHURRIED) -s -m servers tests/e2e/test_crowds.py tests/e2e/callers/test_crowds.py \
		tests/e2e/test_crowded_vault.py tests/e2e/test_overload.py tests/e2e/keys/test_hostile_metadata.py

demo: $(INSTALLED) ## Show references becoming Secrets on real servers (SHOW=1 shows the values, KEEP=1 keeps the servers)
	$(BIN)/python -m demo

bench: $(INSTALLED) ## Measure admissions with and without Keyhole
	$(BIN)/python -m bench
	$(BIN)/python -m bench forms

bench-loop: $(INSTALLED) ## Measure what following Vault costs, and how soon a change arrives (FULL=1: an hour)
	$(BIN)/python -m bench loop $(if $(FULL),--full)

bench-variables: $(INSTALLED) ## Measure how soon the Secrets behind variables are there (FULL=1: 500 watches, some minutes)
	$(BIN)/python -m bench variables $(if $(FULL),--full)

bench-lint: $(INSTALLED) ## Measure what `keyhole lint` costs on 10,000 files, beside libyaml alone and gitleaks (some minutes)
	$(BIN)/python -m bench lint

bench-changes: $(INSTALLED) ## Measure the index of changes: a trail of a million lines, and each view of it (some minutes)
	$(BIN)/python -m bench changes

sbom: $(INSTALLED) ## Write the software bill of materials (CycloneDX) into build/
	$(BIN)/python -m release.sbom build/keyhole.cdx.json

plugin: $(INSTALLED) ## Make keyhole for kubectl and krew, for this platform, in build/plugin
	$(BIN)/python -m release.plugin build/plugin

site: $(INSTALLED) ## Build the documentation as a site, into build/site; a link without a page is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

testbed: $(INSTALLED) ## Build the real servers, and helm, into the user's cache folder, once
	$(BIN)/python -m testbed build
	$(BIN)/python -m testbed build kube-controller-manager helm helm-docs

policies: $(INSTALLED) ## Write the policies as a bundle for OPA and as templates for Gatekeeper, into build/policies
	$(BIN)/python -m release.policies build build/policies

charts: $(INSTALLED) ## Write the files of the charts that follow from the code, and their READMEs
	$(BIN)/python -m charts

format: $(INSTALLED) ## Format the code, and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The hosts that the pins came from are not written down: whoever installs has a registry of their own.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header $(if $(UPGRADE),--upgrade)

lock: $(INSTALLED) ## Pin the requirements again (UPGRADE=1 takes the newest versions)
	$(COMPILE) requirements/runtime.in -o requirements.txt
	$(COMPILE) requirements/review.in -c requirements.txt -o requirements-review.txt
	$(COMPILE) requirements/dev.in -c requirements.txt -o requirements-dev.txt
	$(COMPILE) requirements/looks.in -c requirements-dev.txt -o requirements-looks.txt

clean: ## Remove what the other targets made here; the built servers stay in their cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bench/results build dist keyhole.egg-info
	find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements-dev.txt pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "$(PYTHON) was not found. Keyhole needs Python 3.11 or later: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$("$(PYTHON)" --version 2>&1) is too old. Keyhole needs Python 3.11 or later: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' || { \
		echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --require-hashes -r requirements-dev.txt
	@# An older Makefile laid the package there without a list of its files, and pip does not replace such a one.
	@for old in $(VENV)/lib/python3*/site-packages/keyhole-*.dist-info; do \
		[ -e "$$old/RECORD" ] || rm -rf "$$old" "$${old%/*}/keyhole.pth"; done
	@# Without isolation: pip would fetch a build backend that no hash vouches for. The pinned one is there already.
	@# The mode `compat` lays down a path; the other one an import hook that every start of Python would pay for.
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --no-build-isolation --no-deps --no-index \
		--config-settings editable_mode=compat --editable .
	@touch $@
