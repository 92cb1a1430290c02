# `make demo` and `make test` set up everything that they need on a fresh Debian machine with
# Python 3.11 or newer; the second time they are quick.

SHELL := /bin/sh
UV := .uv/bin/uv
PYTHON := .venv/bin/python
SYNC := sync --locked --inexact --quiet

.PHONY: demo test lint audit docs wheel lock system browser

# make demo DEMO_ARGS=--check plays one preset through the page's own API, and ends.
DEMO_ARGS ?= --open

demo: .venv/.ready
	@$(PYTHON) app.py $(DEMO_ARGS)

test: .venv/.ready-for-tests
	@echo "test: running the tests"
	@OMP_NUM_THREADS=1 $(PYTHON) -m pytest --numprocesses 2 --dist loadfile

lint: .venv/.ready-for-tests
	@echo "lint: style, types, the page's scripts, and whether the lock, requirements.txt and the cards are current"
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@.venv/bin/oxlint --quiet studio/player
	@$(UV) lock --check --quiet || { echo "uv.lock is stale: run make lock"; exit 1; }
	@$(UV) export $(EXPORT) --quiet | cmp -s - requirements.txt \
		|| { echo "requirements.txt is stale: run make lock"; exit 1; }
	@$(PYTHON) -m curation card --check

# Known vulnerabilities of what the lock holds; where their list cannot be had, it says so.
audit: $(UV)
	@UV=$(UV) .ci/audit

# The API reference, the examples and the glossary into site/; a broken link or reference fails.
docs: .venv/.ready-for-docs
	@echo "docs: building the reference into site/"
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet

# Builds the wheel and tries it in an empty environment.
wheel: $(UV)
	@UV=$(UV) .ci/wheel

# All that the page and the commands need. The clone itself is installed as editable, so that its files
# are used from any folder.
EXTRAS := --extra page --extra curation

# What pip users and Spaces install: the lock with those, without the project and development tools. A
# Space gives it to pip together with packages of its own that have no hashes, so it cannot have any; the
# image and the clone are installed from the lock, which has them.
EXPORT := --locked --no-dev $(EXTRAS) --no-emit-project --no-hashes --no-annotate --no-header

lock: $(UV)
	$(UV) lock
	$(UV) export $(EXPORT) --quiet > requirements.txt

.venv/.ready: pyproject.toml uv.lock packages.txt | $(UV) system
	@echo "setup: installing the Python packages into .venv (several GB the first time)"
	@$(UV) $(SYNC) --no-dev $(EXTRAS)
	@touch $@

.venv/.ready-for-tests: pyproject.toml uv.lock packages.txt | $(UV) system browser
	@echo "setup: installing the Python packages, audiocraft and the test tools into .venv"
	@$(UV) $(SYNC) --all-extras --group dev
	@touch $@

.venv/.ready-for-docs: .venv/.ready-for-tests
	@$(UV) $(SYNC) --all-extras --group dev --group docs
	@touch $@

.uv/bin/uv: .ci/uv.txt
	@echo "setup: installing uv into .uv"
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "setup: Python 3.11 or newer is needed; this is $$(python3 --version)"; exit 1; }
	@python3 -c 'import ensurepip' 2>/dev/null || ./install-system-packages python3-venv
	@python3 -m venv .uv
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

system:
	@./install-system-packages $$(cat packages.txt)

# What the tests of the page drive; the page itself does not need it.
browser:
	@./install-system-packages chromium
