# Every chore by name; `make` alone prints them.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit test-stack test-cluster lint lint-ansible format types schema bench bench-docs bench-cluster soak role cluster cluster-down lock clean
PYTEST := .venv/bin/python -m pytest
# Where it is set, several hundred modules are compiled anew at each start of a part, a Spark worker or a test.
unexport PYTHONDONTWRITEBYTECODE
BENCHMARK := PYTHONPATH=tests:tests/integration .venv/bin/python -m benchmark

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the whole stack on this machine; DATA=path replays a recording, RATE=rows per second
	@scripts/environment app
	@exec .venv/bin/cosmo demo $(if $(RATE),--rate $(RATE)) $(if $(FOLDER),--folder $(FOLDER)) $(DATA)

setup: ## make the environment with all that tests need
	@scripts/environment test
	@scripts/system-packages

test: setup lint types test-unit test-stack lint-ansible test-cluster ## all tests: style, types, unit, real Kafka, Spark, browser, hosts

test-stack: ## integration on real ZooKeeper, Kafka and Spark, and the page in a browser
	@scripts/environment test
	@scripts/system-packages
	$(PYTEST) tests/integration tests/browser $(if $(K),-k "$(K)")

test-cluster: ## Molecule on systemd hosts in containers: every role, then the cluster (root and podman); S=names
	@scripts/environment test
	@scripts/system-packages
	tests/hosts/scenarios $(S)

test-unit: ## unit and property tests only, under 30 s; K=word
	@scripts/environment test
	$(PYTEST) tests/unit -n 2 --dist worksteal $(if $(K),-k "$(K)")

lint: ## style and mistakes; never edits
	@scripts/environment test
	.venv/bin/ruff format --check --diff .
	.venv/bin/ruff check .

lint-ansible: ## style and mistakes of playbooks, roles and YAML; never edits
	@scripts/controller
	PATH=$(CURDIR)/.venv-controller/bin:$$PATH ansible-lint
	.venv-controller/bin/yamllint --strict .

types: ## static types, strict
	@scripts/environment test
	.venv/bin/mypy

format: ## lay out the code
	@scripts/environment test
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: ## measure and compare speeds, under 10 minutes; nothing else should run
	@scripts/environment test
	$(BENCHMARK)

bench-docs: ## put the plots of the last bench into docs/performance
	@scripts/environment test
	$(BENCHMARK).plots build/bench.json docs/performance
	cp build/bench.json docs/performance/
	$(BENCHMARK).pages docs/performance/bench.json  # for docs/performance.md

bench-cluster: ## the verbs on three containers against their targets, batches by workers and partitions (root and podman)
	@scripts/environment test
	@scripts/system-packages
	$(BENCHMARK).cluster

soak: ## 10 minutes at 200,000 rows/s: is every row accounted for, is memory flat?
	@scripts/environment test
	$(BENCHMARK).soak

role: ## Molecule for one role on a container: make role ROLE=kafka (root and podman)
	tests/hosts/role $(ROLE)

cluster: ## three containers as the cluster, with the real playbooks; they stay (root and podman)
	@tests/hosts/own up

cluster-down: ## remove the containers of `make cluster`, their keys and their state
	@tests/hosts/own down

schema: ## write docs/result.schema.json from the model
	@scripts/environment test
	.venv/bin/cosmo config schema > docs/result.schema.json

lock: ## choose versions anew and write locks/
	@scripts/environment test
	.uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-header pyproject.toml -o locks/app.txt
	.uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-header --group test -c locks/app.txt pyproject.toml -o locks/test.txt
	.uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --group controller -c locks/app.txt -o locks/controller.txt

clean: ## remove the environment and caches of this checkout
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis
