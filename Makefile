# hbalert's tasks. `make` alone lists them.
#
# `make demo` and `make test` set up what they need by themselves: a virtual environment in .venv with
# pinned packages, and, where the programs are not on PATH, Prometheus, Alertmanager and amtool unpacked into .cache.
# Nothing is installed outside this folder. Set-up happens once; .venv/.set-up-* remember it, and are
# void in a checkout that was moved.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory --no-builtin-rules

PY := .venv/bin/python
SOURCES := hbalert tests bench

# Fetched programs come last on PATH: what is installed wins. HBALERT_PROMETHEUS names another one.
export PATH := $(PATH):$(CURDIR)/.cache/deb/usr/bin

RUN_PINS := requirements-build.txt requirements.txt
DEV_PINS := requirements-build.txt requirements-dev.txt

.PHONY: help
help: ## this list
	@echo "make demo    runs everything on this machine, with fake gateways, and shows what happens"
	@echo "make test    runs every check: lint, types, tests"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: .venv/.set-up-run prometheus ## the whole thing on one machine; Ctrl-C ends it (ARGS=--once: by itself)
	@exec $(PY) -m hbalert demo $(ARGS)

.PHONY: test
test: lint types unit bench-quick ## every check: lint, types, all tests, and the measures in small numbers

.PHONY: lint
lint: .venv/.set-up-dev ## ruff: mistakes and format
	@echo "make: lint (ruff check, ruff format --check)"
	@$(PY) -m ruff check $(SOURCES)
	@$(PY) -m ruff format --check --quiet $(SOURCES)

.PHONY: types
types: .venv/.set-up-dev ## mypy --strict
	@echo "make: types (mypy --strict)"
	@$(PY) -m mypy

.PHONY: unit
unit: .venv/.set-up-dev prometheus alertmanager vmalert faketime ## all tests, those on a real Prometheus included (ARGS=path)
	@echo "make: tests (pytest, a test file on each core)"
	@exec $(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: bench
bench: .venv/.set-up-dev prometheus alertmanager vmalert ## every budget beside the real peers; writes docs/performance.md (ARGS=ingest)
	@exec $(PY) -m bench $(ARGS)

.PHONY: bench-growth
bench-growth: .venv/.set-up-dev prometheus alertmanager vmalert ## what grows with alerts, silences and rules; writes docs/growth.svg
	@exec $(PY) -m bench growth $(ARGS)

.PHONY: bench-quick
bench-quick: .venv/.set-up-dev prometheus alertmanager vmalert
	@echo "make: the measures in small numbers: are their results right? (times mean nothing here)"
	@$(PY) -m bench --quick

.PHONY: chaos
chaos: .venv/.set-up-dev ## stops it at every fault point there is, then at random; takes minutes, all is counted
	@echo "make: the crash-point sweep"
	@$(PY) -m tests.chaos.sweep
	@echo "make: kill -9 at random moments"
	@$(PY) -m tests.chaos.crash
	@echo "make: anything, in any order, to the whole engine"
	@$(PY) -m tests.scenarios.test_engine_machine

.PHONY: compat
compat: .venv/.set-up-dev alertmanager ## hbalert beside the real Alertmanager, case by case (ARGS="-k silence")
	@exec $(PY) -m tests.compat $(ARGS)

.PHONY: compat-prometheus
compat-prometheus: .venv/.set-up-dev prometheus ## each thing that is done with rules, by the real Prometheus and by hbalert
	@exec $(PY) -m tests.beside_prometheus

.PHONY: equality
equality: .venv/.set-up-dev prometheus ## 10,000 made-up rules: the same answers together as alone (ARGS="--seed 7 --rules 50000")
	@exec $(PY) -m tests.equality --rules 10000 --seeds 10 $(ARGS)

.PHONY: fmt
fmt: .venv/.set-up-dev ## formats the code
	@$(PY) -m ruff check --fix --quiet $(SOURCES)
	@$(PY) -m ruff format $(SOURCES)

.PHONY: docs
docs: .venv/.set-up-dev ## writes anew what is made: docs/cli.md, docs/why.md, docs/beside-*.md, the roles in docs/security.md
	@mkdir -p .cache && $(PY) -m tests.cli_page > .cache/cli.md && mv .cache/cli.md docs/cli.md
	@$(PY) -m tests.why_page > .cache/why.md && mv .cache/why.md docs/why.md
	@$(PY) -m tests.roles_page
	@$(PY) -m tests.compat --page > .cache/page.md && mv .cache/page.md docs/beside-alertmanager.md
	@$(PY) -m tests.beside_prometheus --page > .cache/page.md && mv .cache/page.md docs/beside-prometheus.md

.PHONY: setup
setup: .venv/.set-up-dev prometheus alertmanager vmalert faketime ## sets up for work on the code, and runs nothing

.PHONY: clean
clean: ## removes .venv, .cache and what the tools leave behind
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage coverage.xml dist

# --- set-up, once -------------------------------------------------------------------------------

MADE_IN := $(shell cat .venv/.made-in 2>/dev/null)
ifneq ($(MADE_IN),$(CURDIR))
MOVED := moved
endif

.PHONY: moved
moved:

# The development set holds the other, so whoever has it needs no second run.
.venv/.set-up-run: requirements-build.txt requirements.txt pyproject.toml $(MOVED)
	@test -z "$(MOVED)" -a .venv/.set-up-dev -nt requirements.txt || sh scripts/venv.sh $(RUN_PINS)
	@touch $@

.venv/.set-up-dev: requirements-build.txt requirements-dev.txt pyproject.toml $(MOVED)
	@sh scripts/venv.sh $(DEV_PINS)
	@touch $@

.PHONY: prometheus
prometheus:
	@test -n "$$HBALERT_PROMETHEUS" || command -v prometheus >/dev/null || sh scripts/deb.sh prometheus

# The package holds both programs; amtool may be there alone.
.PHONY: alertmanager
alertmanager:
	@{ command -v amtool && { command -v prometheus-alertmanager || command -v alertmanager; }; } >/dev/null || \
		sh scripts/deb.sh prometheus-alertmanager

.PHONY: vmalert
vmalert:
	@command -v vmalert >/dev/null || sh scripts/deb.sh victoria-metrics

.PHONY: faketime
faketime:
	@ls /usr/lib/*/faketime/libfaketime.so.1 .cache/deb/usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | grep -q . || sh scripts/deb.sh libfaketime
