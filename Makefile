# Each word, in one line: `make help`.

PYTHON ?= python3
BIN := .venv/bin
PREPARE := @$(PYTHON) services/clientmigration/stack/environments.py

# Flags for the stack (make run STACK='--players 100 --graphite-port 8081') and for pytest.
STACK ?=
# What is played (make run GAME=mygame:Pong).
GAME ?=
TESTS ?=

# Tests that keep to their own process share all cores. Those with real processes come after them:
# they wait more than they work, so there are three files of them at a time.
OWN = --ignore=tests/live -n logical --maxprocesses=4 --dist=worksteal
LIVE = tests/live -n 3 --dist=loadfile --no-loadscope-reorder

# For the arena: how many seeds, and more flags (make arena ARENA='--faults all --first 5000').
SEEDS ?= 10000
ARENA ?=

# Containers, with whichever of the two composes is here.
COMPOSE = $$(docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
export COMPOSE_PROJECT_NAME ?= clientmigration
UP ?=
DOWN ?=

# Flags for the benchmarks (make bench BENCH='--players 10000 --servers 10' SPEED='--players 300').
BENCH ?=
SPEED ?=

.PHONY: help run test soak check docs release arena bench dashboards lock sbom up down logs
.DEFAULT_GOAL := help

help: ## Say what each word does.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: ## Start everything on this machine, with Graphite and a crowd; Ctrl-C stops it.
	$(PREPARE) services graphite
	@exec $(BIN)/twistd -n --pidfile= stack $(if $(GAME),--game $(GAME)) $(STACK)

test: ## Run all tests, those with real processes and a real Graphite too.
	$(PREPARE) dev graphite
ifdef TESTS
	@$(BIN)/python -m pytest $(TESTS)
else
	@$(BIN)/python -m pytest $(OWN); ended=$$?; \
	  $(BIN)/python -m pytest $(LIVE) && exit $$ended
endif

soak: ## Run what does more often what `make test` holds already.
	$(PREPARE) dev graphite
	@$(BIN)/python -m pytest -m soak --timeout 3600 $(TESTS)

check: ## Lint, formatting, layers and types of the whole tree.
	$(PREPARE) dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

docs: ## Build the documentation's site into run/site; a link that leads nowhere fails.
	$(PREPARE) dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

arena: ## Try SEEDS (10000) schedules of faults on all cores; a seed that fails is printed whole.
	$(PREPARE) services
	@$(BIN)/python -m clientmigration.testing --seeds $(SEEDS) $(ARENA)

release: ## Go through the checklist of a release: build, install elsewhere, run; uploads nothing.
	$(PREPARE) dev
	@$(BIN)/python tests/release/check.py

bench: ## Measure here: players per core, beside others; how fast and well the brain decides.
	$(PREPARE) dev
	@mkdir -p run
	@$(BIN)/python tests/bench/speed.py --json run/speed.json --picture run/speed.svg $(SPEED)
	@$(BIN)/python tests/bench/brain.py $(BENCH)
	@$(BIN)/python tests/bench/together.py
	@$(BIN)/python tests/bench/tree.py 100 10

dashboards: ## Write Grafana's dashboards and alerts, into grafana/.
	$(PREPARE) dev
	@$(BIN)/python grafana/make.py

lock: ## Choose the images' packages anew, and write down the hashes of their files (needs uv).
	@docker/lock

sbom: ## Write what is in the images, into dist/ (CycloneDX; needs syft, or fetches it from PyPI).
	@docker/sbom clientmigration clientmigration-graphite

up: ## Start everything in containers (UP='--scale gameserver=5', COMPOSE_PROFILES=crowd).
	@mkdir -p run && mkdir -p -m 700 run/secrets
	@for each in cluster grafana ledger; do test -s run/secrets/$$each || (umask 022; \
	  head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > run/secrets/$$each); done
	@test -s run/secrets/watch || ($(COMPOSE) build router && $(COMPOSE) run --rm -T --no-deps \
	  --entrypoint clientmigration router watch-key --secret-file /run/secrets/cluster \
	  > run/secrets/watch)
	@$(COMPOSE) up --build --detach $(UP)

down: ## Stop the containers and remove them (DOWN=--volumes: with all that they kept).
	@COMPOSE_PROFILES=crowd $(COMPOSE) down $(DOWN)

logs: ## Follow what the containers say.
	@COMPOSE_PROFILES=crowd $(COMPOSE) logs --follow --tail=20
