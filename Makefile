# Every chore by name; `make` alone prints them.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit lint format types schema bench role cluster-test lock clean
PYTEST := .venv/bin/python -m pytest
# Where it is set, several hundred modules are compiled anew at each start of a part, a Spark worker or a test.
unexport PYTHONDONTWRITEBYTECODE

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the whole stack on this machine; DATA=path replays a recording, RATE=rows per second
	@scripts/environment app
	@exec .venv/bin/cosmo demo $(if $(RATE),--rate $(RATE)) $(if $(FOLDER),--folder $(FOLDER)) $(DATA)

setup: ## make the environment with all that tests need
	@scripts/environment test
	@scripts/system-packages

test: setup lint types ## all tests: style, types, unit, then real Kafka, Spark and browser
	$(PYTEST) tests/unit -n 2 --dist worksteal
	$(PYTEST) tests/integration tests/browser

test-unit: ## unit and property tests only, under 30 s; K=word
	@scripts/environment test
	$(PYTEST) tests/unit -n 2 --dist worksteal $(if $(K),-k "$(K)")

lint: ## style and mistakes; never edits
	@scripts/environment test
	.venv/bin/ruff format --check --diff .
	.venv/bin/ruff check .

types: ## static types, strict
	@scripts/environment test
	.venv/bin/mypy

format: ## lay out the code
	@scripts/environment test
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: ## measure and compare speeds, about 5 minutes; nothing else should run
	@scripts/environment test
	PYTHONPATH=tests:tests/integration .venv/bin/python -m benchmark

role: ## Molecule for one role on a container: make role ROLE=kafka (root and podman)
	tests/hosts/role $(ROLE)

cluster-test: ## Molecule for init and dismiss on three containers (root and podman)
	tests/hosts/cluster

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
