# Each word, in one line: `make help`.

PYTHON ?= python3
BIN := .venv/bin
PREPARE := @$(PYTHON) services/clientmigration/stack/environments.py

# Flags for the stack (make run STACK='--players 100 --graphite-port 8081') and for pytest.
STACK ?=
TESTS ?=

# For the arena: how many seeds, and more flags (make arena ARENA='--first 5000 --jobs 1').
SEEDS ?= 10000
ARENA ?=

.PHONY: help run test check arena bench dashboards up down logs
.DEFAULT_GOAL := help

help: ## Say what each word does.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: ## Start everything on this machine, with Graphite and a crowd; Ctrl-C stops it.
	$(PREPARE) services graphite
	@exec $(BIN)/twistd -n --pidfile= stack $(STACK)

test: ## Run all tests, those with real processes and a real Graphite too.
	$(PREPARE) dev graphite
	@$(BIN)/python -m pytest $(TESTS)

check: ## Lint, formatting, layers and types of the whole tree.
	$(PREPARE) dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

arena: ## Try SEEDS (10000) schedules of faults on all cores; a seed that fails is printed whole.
	$(PREPARE) services
	@$(BIN)/python -m clientmigration.testing --seeds $(SEEDS) $(ARENA)

bench: ## Not yet served (issue 5): measure moves under load on this machine.
	@echo "make bench is not yet served (issue 5)" >&2; exit 2

dashboards: ## Write Grafana's dashboards and alerts, into grafana/.
	$(PREPARE) dev
	@$(BIN)/python grafana/make.py

up: ## Not yet served (issue 4): start everything in containers.
	@echo "make up is not yet served (issue 4)" >&2; exit 2

down: ## Not yet served (issue 4): stop the containers.
	@echo "make down is not yet served (issue 4)" >&2; exit 2

logs: ## Not yet served (issue 4): follow the logs of the containers.
	@echo "make logs is not yet served (issue 4)" >&2; exit 2
