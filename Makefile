# What can be done here: make help
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/pytest
QUIETLY := --quiet --disable-pip-version-check
CLUSTER := $(BIN)/python -m hack.cluster

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)


.PHONY: demo demo-shop demo-down stop
demo: $(READY) ## Gate three real releases on a real cluster (KUBECONFIG, else the local one); minutes
	$(BIN)/python -m hack.demo

demo-shop: $(READY) ## Likewise a shop: its plan from OpenAPI, its load from metrics, its PostgreSQL reset
	$(BIN)/python -m hack.demo shop

demo-down: $(READY) ## Remove what the demo made; the cluster stays
	$(BIN)/python -m hack.demo down

stop: cluster-down ## Stop the local cluster; images and programs stay in the cache


.PHONY: test lint unit integration e2e
test: lint unit integration e2e ## Everything CI asks: lint and all three layers of tests

lint: $(READY) ## Style, types and the layers of the house
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY) ## Pure tests; seconds
	$(PYTEST) tests/unit -n 2

integration: $(READY) ## Against a real etcd and kube-apiserver
	$(PYTEST) tests/integration -n 2 --durations 12

e2e: $(READY) ## Real Jobs, JMeter and Prometheus on the local cluster; needs root
	$(PYTEST) tests/e2e -n 3 --durations 12


.PHONY: crds install-yaml lock
crds: $(READY) ## Generate crds/ from the Python models
	$(BIN)/python -m devperfops_operator.api.crd crds

install-yaml: $(READY) ## Generate deploy/install.yaml and the Helm chart's copies from deploy/kustomize
	$(BIN)/python -m hack.install_yaml
	$(BIN)/python -m hack.helm_chart

lock: ## Pin the packages again (needs uv)
	uv pip compile --quiet pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header -o requirements.lock
	uv pip compile --quiet pyproject.toml --extra analysis --extra aws --extra azure --extra google --group dev --universal --python-version 3.11 --generate-hashes --no-header -o requirements-dev.lock


.PHONY: cluster-up cluster-down clean
cluster-up: $(READY) ## Start a one-node Kubernetes on this machine; needs root, the first time about 8 minutes
	$(CLUSTER) up

cluster-down: $(READY) ## Stop it
	$(CLUSTER) down

clean: ## Remove what make has made in this folder
	rm -rf build dist $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The environment: exactly the lock's packages, then this checkout itself, from the lock's own build tools.
$(READY): requirements-dev.lock pyproject.toml
	@echo "Python packages of requirements-dev.lock into $(VENV): about a minute"
	@$(PYTHON) -c "import ensurepip" || apt-get install --yes python3-venv
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install $(QUIETLY) --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install $(QUIETLY) --no-deps --no-build-isolation -e .
	@touch $@
