# The commands that people and CI run. Each target sets up what it needs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A registry that is slow for a minute fails nothing.
export PIP_RETRIES := 10
export PIP_DEFAULT_TIMEOUT := 60

.PHONY: help setup demo demo-agent demo-gitops dev test test-unit conformance lint types bench proto clean lock etcd-current etcd-debian grpc-js grpc-go

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install everything into .venv, exact versions

# The lock first, then the project itself: its build hook generates the stubs and Envoy's descriptors.
$(STAMP): requirements.lock pyproject.toml hatch_build.py api/envoy/build.py api/management/v1/management.proto api/nodes/v1/nodes.proto snapshots/store/etcd/rpc.proto
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	PIP_CONSTRAINT=$(CURDIR)/build-constraints.txt $(BIN)/pip install --quiet --no-deps --editable .
	touch $@

demo: setup ## one change to a real Envoy and its rollback, under live traffic (KEEP=1 leaves it running)
	$(BIN)/python -m examples.demo $(if $(KEEP),--keep)

demo-agent: setup ## every server and etcd is killed, a gateway restarts, and serves what it served
	$(BIN)/python -m examples.demo.agent

demo-gitops: setup ## what is pushed to a git repository reaches a real Envoy, what is bad does not
	$(BIN)/python -m examples.demo.gitops

dev: setup ## a server for this machine, following examples/first (DIR=… for your own)
	$(BIN)/fairlead dev $(or $(DIR),examples/first)

test: setup ## the whole suite: unit, property, contract, conformance, integration (PROCESSES=… at a time)
	$(BIN)/python -m pytest --numprocesses $(or $(PROCESSES),2) --dist loadfile --no-loadscope-reorder

test-unit: setup ## what needs no etcd and no Envoy, in seconds
	$(BIN)/python -m pytest tests/unit tests/property tests/conformance

CONFORMANCE := .cache/gateway-conformance

conformance: setup $(CONFORMANCE)/suite.test ## the Gateway API's own suite, some minutes (needs Go and port 80; TEST=NAME for one)
	$(BIN)/python -m tests.gateway_conformance $(if $(TEST),--test $(TEST))

$(CONFORMANCE)/suite.test: $(wildcard tests/gateway_conformance/suite/*)
	mkdir -p $(CONFORMANCE)
	cd tests/gateway_conformance/suite && go build -buildvcs=false -o $(CURDIR)/$(CONFORMANCE)/ sigs.k8s.io/gateway-api/conformance/echo-basic
	cd tests/gateway_conformance/suite && go test -buildvcs=false -c -o $(CURDIR)/$@ .

lint: setup ## style and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup ## mypy --strict
	$(BIN)/mypy

bench: setup ## measure; writes the figures to standard output (bench/RESULTS.md keeps them)
	$(BIN)/python -m bench

proto: ## generate the stubs and descriptors anew
	rm -f $(STAMP)
	$(MAKE) setup

etcd-current: ## build a current etcd from its Go modules into .cache/ (needs Go)
	bash deploy/etcd-current.sh .cache

etcd-debian: ## unpack Debian's etcd into .cache/, beside the others; nothing is installed or started (needs apt)
	mkdir -p .cache/etcd-debian
	cd .cache/etcd-debian && { test -x usr/bin/etcd || { \
	  { apt-get download -qq etcd-server || { apt-get update -qq && apt-get download -qq etcd-server; }; } && \
	  dpkg-deb -x etcd-server_*.deb . && rm etcd-server_*.deb; }; }

# Clients for the tests of gRPC without a proxy, beside the one in Python.
grpc-js: .cache/grpc-js/.installed ## install gRPC for Node.js into .cache/ (and, with apt, Node.js where there is none)

.cache/grpc-js/.installed: tests/grpc_js/package.json tests/grpc_js/package-lock.json
	command -v npm >/dev/null || { apt-get update -qq && apt-get install -qq -y --no-install-recommends nodejs npm; }
	mkdir -p $(@D) && cp $^ $(@D)
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

grpc-go: .cache/grpc-go/grpc-caller ## build a gRPC client in Go into .cache/ (needs Go)

.cache/grpc-go/grpc-caller: tests/grpc_go/main.go tests/grpc_go/go.mod tests/grpc_go/go.sum
	cd tests/grpc_go && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(CURDIR)/$@ .

lock: ## solve the dependencies anew (needs uv)
	uv pip compile --quiet --no-header --prerelease if-necessary-or-explicit --universal --python-version 3.11 --generate-hashes --group dev pyproject.toml -o requirements.lock
	uv pip compile --quiet --no-header --prerelease if-necessary-or-explicit --universal --python-version 3.11 --generate-hashes --all-extras --constraint requirements.lock deploy/agent/pyproject.toml -o deploy/agent/requirements.lock

clean: ## remove everything that was generated
	rm -rf $(VENV) .cache dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache api/envoy/descriptors.binpb
	find . -name '*_pb2*.py*' -not -path './.venv/*' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
