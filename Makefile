# Flycatcher: `make run` and `make test` need nothing but make, bash and Python 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
LOADTEST_VENV ?= .venv-loadtest
# `make outdated` locks a copy.
REQUIREMENTS ?= requirements

# What `make loadtest` plays, and where: make loadtest URL=https://… USERS=50 PACE=10 DURATION=10m
URL ?= http://127.0.0.1:8000
USERS ?= 50
PACE ?= 1
DURATION ?= 5m
RESULTS ?= .loadtest
OPTIONS ?=
# The demo's own, unless said otherwise: `make run` reads SEED_PASSWORD too.
SEED_PASSWORD ?= Flycatcher-demo-1
LOADTEST_PASSWORD ?= $(SEED_PASSWORD)

SHELL := bash
.DEFAULT_GOAL := help
# Every target that is told of, and these.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(firstword $(MAKEFILE_LIST))) install-local install-dev install-loadtest

python := $(VENV)/bin/python
code := functions shared local operations migrations delivery benchmarks loadtest tests

help:  ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: install-local  ## serve the whole API on http://127.0.0.1:8000 with its own PostgreSQL and Valkey
	@exec $(python) -m local

quick := $(addprefix --ignore tests/,browser cluster containers faults knative)
# Or each of the processes that they start would compile our code anew.
test: export PYTHONDONTWRITEBYTECODE =
test: install-dev  ## run every quick test
	@$(python) -m pytest $(COVERAGE) $(quick)

coverage: test  ## the same, with branch coverage of at least 90 %, which takes a third longer; REPORT=FILE also writes it as Markdown
coverage: COVERAGE = --cov $(if $(REPORT),--cov-report=term --cov-report=markdown-append:'$(REPORT)')

# These look at moments and measure times: one after another, on a quiet machine. The others wait, or ask as fast as they can.
precise := $(addsuffix .py,$(addprefix test_,dependencies durability overload slow_clients stop))
test-faults: install-dev  ## let PostgreSQL, Redis and the functions fail under load, fuzz the API, soak it (some minutes)
	@$(python) -m pytest --numprocesses 2 --dist loadfile tests/faults $(precise:%=--ignore tests/faults/%)
	@$(python) -m pytest --numprocesses 0 $(addprefix tests/faults/,$(precise))

test-browser: install-dev  ## try the pages of the documentation in a browser (needs Chromium)
	@$(python) -m pytest --numprocesses 2 --dist loadfile tests/browser

test-containers: install-dev  ## build the image, bring up docker-compose.yml and the pods of knative/, test them from outside (needs Docker)
	@VENV=$(VENV) .ci/containers

# What is deployed asks no server, but for the backup, which takes the programs of its own version along.
test-servers: install-dev  ## run every quick test that asks a server on others: make test-servers POSTGRES=postgres:15 REDIS=redis:7 (needs Docker)
	@VENV=$(VENV) .ci/servers $(quick) --ignore tests/deploy --ignore tests/delivery

test-knative: install-dev  ## install Knative into a kind cluster of its own, the trial into that, and test it (needs Docker, kind, the network)
	@VENV=$(VENV) .ci/knative

smoke: install-dev install-loadtest  ## start `make run` on empty data, use it, stop it, start it again under load
	@$(python) .ci/smoke

test-all: coverage test-faults  ## run every test that needs no Docker

check: lint types imports migrations test-all  ## run every check and every test

# ruff knows bandit's rules too, with our exceptions line by line; B104 is the container that listens on all addresses.
lint: install-dev  ## lint, look for risky code, and check the formatting
	@$(python) -m ruff check
	@$(python) -m ruff format --check
	@$(python) -m bandit --quiet --severity-level medium --skip B104 --recursive functions shared local operations delivery loadtest
	@VENV=$(VENV) .ci/lint

format: install-dev  ## correct what ruff can correct
	@$(python) -m ruff check --fix
	@$(python) -m ruff format

# The load test stands on Locust, whose types are in its own environment.
types: install-dev install-loadtest  ## check the types
	@$(python) -m mypy
	@$(python) -m mypy --python-executable $(LOADTEST_VENV)/bin/python loadtest

imports: install-dev  ## check who imports whom
	@$(VENV)/bin/lint-imports --no-logo

migrations: install-dev  ## check that migrations and tables agree, up and down
	@$(python) -m local.drift

manifests: install-dev  ## render every overlay of knative/ with every component, and judge them (asks the network)
	@VENV=$(VENV) .ci/manifests

monitoring: install-dev  ## judge dashboard and alerts by their own tools, and by a Prometheus that scrapes the API (asks the network)
	@VENV=$(VENV) .ci/monitoring

openapi: install-dev  ## lint the description of the API, generate two clients from it, and let them play (asks the network)
	@VENV=$(VENV) .ci/openapi-clients

openapi-diff: install-dev  ## tell what has changed in the API since BASE=origin/main, and refuse what breaks clients (asks the network)
	@VENV=$(VENV) .ci/openapi-diff

secrets: install-dev  ## look for secrets in the files and in every commit
	@$(python) -m delivery.supply.leaks

sbom: install-dev  ## write what Python packages the image holds into dist/sbom.json (CycloneDX)
	@$(python) -m delivery.supply.sbom

audit: install-dev  ## look for known vulnerabilities in what is pinned (asks the network)
	@$(python) -m delivery.supply.audit

outdated: install-dev  ## list what is pinned and has a newer release; fail where one is older than half a year (asks the network)
	@$(python) -m delivery.supply.outdated

# Locust's web page needs the Flask that pyproject.toml keeps out of the other layers: its own layer ignores that file.
lock: install-dev  ## pin requirements/*.in anew in requirements/*.txt (asks the network)
	@cd $(REQUIREMENTS) && for layer in functions operations local dev loadtest; do \
		echo "Locking $$layer"; \
		$(abspath $(python)) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			$$([[ $$layer != loadtest ]] || echo --no-config) \
			--custom-compile-command "make lock" --output-file $$layer.txt $$layer.in; \
	done

# Bytecode that is missing, or not written, would be compiled anew at each cold start that is measured.
bench: install-dev  ## measure a request, a cold start and an idle function against the floor (docs/performance.md)
	@env --unset=PYTHONDONTWRITEBYTECODE $(python) -m benchmarks $(OPTIONS)

bench-growth: install-dev  ## measure every operation on a hundred times the data; makes a million issues first
	@env --unset=PYTHONDONTWRITEBYTECODE $(python) -m benchmarks.growth $(OPTIONS)

loadtest: install-loadtest  ## play fifty developers' day against URL, with USERS, PACE, DURATION (loadtest/README.md)
	@$(locust) --locustfile loadtest/locustfile.py --users $(USERS) --spawn-rate 4 --run-time $(DURATION)

loadtest-steps: install-loadtest  ## the same with more and more users, and draw latency over load
	@$(locust) --locustfile loadtest/locustfile.py,loadtest/steps.py; code=$$?; \
	(( code == 2 )) || $(LOADTEST_VENV)/bin/python -m loadtest.plot $(RESULTS)/report_stats_history.csv $(RESULTS)/latency.svg && \
	exit $$code

# Failures make the exit code 1. The password goes by the environment: a command line can be read by others.
locust = mkdir -p $(RESULTS) && LOADTEST_PASSWORD='$(LOADTEST_PASSWORD)' $(LOADTEST_VENV)/bin/python -m locust \
	--headless --only-summary --host $(URL) --pace $(PACE) --stop-timeout 30 \
	--html $(RESULTS)/report.html --csv $(RESULTS)/report $(OPTIONS)

examples: install-dev  ## capture the answers that the documents show anew, and put them there
	@CAPTURE_EXAMPLES=1 $(python) -m pytest --numprocesses 0 --quiet tests/openapi/test_examples.py
	@$(python) -m operations guide --refresh

hooks: install-dev  ## let git run the quick checks before each commit
	@$(VENV)/bin/prek install

image:  ## build the image, flycatcher:local (needs Docker)
	@.ci/containers build

unchanged:  ## fail where a run has left the working tree changed
	@git status --porcelain; test -z "$$(git status --porcelain)"

# The rest is what the workflows of GitHub do, which give the variables; CONTRIBUTING.md has the order.
green:  ## say whether every job that this one needs has succeeded (NEEDS)
	@grep -q '"result"' <<<"$$NEEDS" || { echo "green: NEEDS is missing: give the needs of the job, as JSON" >&2; exit 1; }
	@! grep -E '"result": *"(failure|cancelled|skipped)"' <<<"$$NEEDS"

openapi-tell:  ## put REPORT below PULL_REQUEST, in the one comment that this has there; a new one only for a change
	@if grep -q '^no change$$' "$$REPORT"; then make_new=; else make_new=--create-if-none; fi; \
	gh pr comment "$$PULL_REQUEST" --body-file "$$REPORT" --edit-last $$make_new || [[ -z $$make_new ]] # nothing was there to be corrected

release-check:  ## say whether TAG may become a release; its version and image also go into OUTPUT
	@$(PYTHON) -m delivery.tag check "$$TAG" --output "$$OUTPUT"

release-notes:  ## print the section of this version in CHANGELOG.md
	@$(PYTHON) -m delivery.tag notes

released:  ## print the image of the newest tag; it also goes into OUTPUT
	@$(PYTHON) -m delivery.tag newest --output "$$OUTPUT"

# Keyless: the signature holds which workflow of which repository made it, and a log that everybody can read has it.
sign:  ## sign IMAGE, given by digest, as the workflow that this runs in
	@cosign sign --yes "$$IMAGE"

verify-signature:  ## fail where IMAGE was not signed by this repository's release
	@cosign verify --certificate-oidc-issuer https://token.actions.githubusercontent.com \
		--certificate-identity-regexp "^https://github\.com/$$GITHUB_REPOSITORY/\.github/workflows/release\.yml@refs/tags/v[0-9.]+$$" "$$IMAGE" >/dev/null

release: sbom  ## make TAG a release of GitHub, with its notes, IMAGE and what is in it
	@{ $(PYTHON) -m delivery.tag notes && printf '\nImage: `%s`\n' "$$IMAGE"; } >dist/notes.md
	@gh release create "$$TAG" --verify-tag --title "$$TAG" --notes-file dist/notes.md dist/sbom.json

# These read their variables in the shell: make would expand what is in them, and CI hands in what others have written.
deploy: install-dev  ## bring a release to the cluster: IMAGE=REGISTRY/flycatcher:TAG@sha256:DIGEST, OVERLAY, FUNCTIONS, PAUSE (docs/operations.md)
	@exec $(python) -m delivery.deploy --image="$$IMAGE" --overlay="$${OVERLAY:-production}" --functions="$$FUNCTIONS" --pause="$${PAUSE:-60}"

kubeconfig: install-dev  ## write KUBECONFIG for a job of GitHub's: CLUSTER_SERVER, CLUSTER_CA (PEM), AUDIENCE
	@made=$$($(python) -m delivery.deploy.kubeconfig --server="$$CLUSTER_SERVER" --ca="$$CLUSTER_CA" --audience="$$AUDIENCE") && \
	printf '%s\n' "$$made" > "$${KUBECONFIG:?says where to}"

clean:  ## remove the virtual environments and the caches; the data in .local stays
	@rm -rf dist $(VENV) $(LOADTEST_VENV) .coverage* htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find $(code) -name __pycache__ -prune -exec rm -rf {} +

# What is wrong with $(PYTHON), or nothing. Debian and its kin ship Python without ensurepip.
python_problem = $(shell \
	command -v $(PYTHON) >/dev/null || { echo "Flycatcher needs Python 3.11 or newer, and there is no $(PYTHON); install it, or name another: make PYTHON=python3.13 …"; exit; }; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Flycatcher needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1 | head -n 1); name another: make PYTHON=python3.13 …"; exit; }; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)")

# pip is the last thing that venv puts there.
$(VENV)/bin/pip $(LOADTEST_VENV)/bin/pip:
	$(eval problem := $(python_problem))$(if $(problem),$(error $(problem)))
	@echo "Making $(@:/bin/pip=) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv --clear $(@:/bin/pip=)

# $(VENV)/installed is a copy of the requirements that were installed last, so that only a change installs again.
# The umask lets PostgreSQL's own user read its programs where make runs as root.
define install
	echo "Installing requirements/$(1).txt into $(2)"; \
	set -o pipefail; \
	umask 022; \
	rm -f $(2)/installed; \
	$(2)/bin/python -m pip install --disable-pip-version-check --only-binary :all: --no-deps --require-hashes \
		--requirement requirements/$(1).txt | $(2)/bin/python -m local.install requirements/$(1).txt && \
	cp requirements/$(1).txt $(2)/installed
endef

# dev.txt holds all of local.txt.
install-local: $(VENV)/bin/pip
	@cmp -s requirements/local.txt $(VENV)/installed || cmp -s requirements/dev.txt $(VENV)/installed || { $(call install,local,$(VENV)); }

install-dev: $(VENV)/bin/pip
	@cmp -s requirements/dev.txt $(VENV)/installed || { $(call install,dev,$(VENV)); }

install-loadtest: $(LOADTEST_VENV)/bin/pip
	@cmp -s requirements/loadtest.txt $(LOADTEST_VENV)/installed || { $(call install,loadtest,$(LOADTEST_VENV)); }
