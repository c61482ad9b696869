# What one does with this repository. `make help` lists it.
# The work is in docker/bin: the same scripts make the developer's machine, the tests and the images.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := $(or $(LEARNOMY_VENV),.venv)
PORT ?=
WP ?= 7.1
ARGS ?=
SITE = var/wordpress-$(WP)

export PATH := $(PATH):/usr/sbin:/sbin

.PHONY: help run test lint fmt types docs bench bench-exam explain wordpress wordpress-stop packages venv clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## serve the API with a demo academy on http://127.0.0.1:8000 (PORT=), on SQLite, in the foreground
	@docker/bin/install-packages --python-only
	@docker/bin/make-venv --runtime
	@PORT=$(or $(PORT),8000) exec $(VENV)/bin/learnomy serve

test: packages venv lint ## install what the tests need and run everything (ARGS= for pytest)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: packages venv types ## check style, types, imports, generated files and PHP syntax
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/learnomy docs --check
	@for script in docker/bin/* .ci/run; do \
		if head -n 1 $$script | grep -q bash; then bash -n $$script || exit 1; fi; done
	@find bridge docker/php -name '*.php' -print0 | xargs -0 -r -n 1 -P 2 php -d display_errors=stderr -l >/dev/null
	@echo "PHP syntax: no errors"

types: venv ## check types
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy --strict docker/learnomy_site

fmt: venv ## format the Python code and fix what can be fixed
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

docs: venv ## write docs/*.md and the plugin's route table from the code
	$(VENV)/bin/learnomy docs

bench: packages venv ## measure requests per second through every door, beside WordPress's own
	$(VENV)/bin/python -m tests.bench $(ARGS)

bench-exam: packages venv ## measure an examination: 300 students start, autosave and submit one quiz at once
	$(VENV)/bin/python -m tests.bench.exam $(ARGS)

explain: packages venv ## explain every SELECT that the test suite logged
	$(VENV)/bin/python -m tests.bench.explain $(ARGS)

wordpress: packages venv ## bring up a real WordPress with everything (WP=6.1|6.8|7.1, PORT=)
	@docker/bin/site start --dir $(SITE) --wp $(WP) $(if $(PORT),--port $(PORT)) --seed

wordpress-stop: ## end what `make wordpress` started (WP=)
	@docker/bin/site stop --dir $(SITE)

packages: ## install the Debian packages that the tests and sites need
	@docker/bin/install-packages

venv: ## make .venv with the project and the development tools
	@docker/bin/make-venv

clean: ## end every site under var and delete what was made: sites, caches, build results
	@docker/bin/site stop-all --dir var
	rm -rf var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
