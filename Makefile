# Each target is one command; `make run` and `make test` install what is missing.

SHELL := /bin/bash
.DEFAULT_GOAL := run

# What a person gives. These are data: make expands nothing in them, and commands read them from the environment,
# because a shell would run what stands in a recipe.
VALUES := AUDIENCE BUSINESS VAR_DIR DATA_DIR SIZE VAULT_KEY_FILE PORT SQL FROM TO EVERY REASON CAPABILITY SEND CUSTOMER FORCE \
	ADVISORIES KILLS
$(foreach name,$(VALUES),$(eval override $(name) := $$(value $(name))))
override VAR_DIR := $(or $(VAR_DIR),var)
export $(VALUES)

UV_VERSION := 0.13.9

export PYTHONPATH := $(CURDIR)
export DAGSTER_DISABLE_TELEMETRY := yes
export DO_NOT_TRACK := 1
# Gradient boosting spins its idle threads; passive waiting is up to 20 times faster on a busy machine.
export OMP_WAIT_POLICY := passive
# Where nothing may cache bytecode, as in many images, each process compiles 5,000 modules again: twelve seconds.
export PYTHONDONTWRITEBYTECODE :=
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv

BIN := .venv/bin
PYTHON := $(BIN)/python
UV := $(or $(shell command -v uv),.uv/bin/uv)

.PHONY: setup run check-data ui query backtest ablation replay rollback rebuild audience erase export-subject scan vault-key rotate-vault-key check fix docs test bench audit faults screenshots clean

# `make clean` deletes a marked folder only: one with files of somebody else gets no mark.
setup: .venv/.ready
	@umask 077; test -n "$$(ls -A -- "$$VAR_DIR" 2>/dev/null)" \
		|| { mkdir -p -- "$$VAR_DIR" && touch -- "$$VAR_DIR/.made_by_make_setup"; }

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet uv==$(UV_VERSION)

.venv/.ready: pyproject.toml uv.lock | $(if $(findstring .uv/,$(UV)),.uv/bin/uv)
	"$(UV)" sync --frozen
	touch $@

run: setup
	$(PYTHON) -m orchestration.cli.run

check-data: setup
	@$(PYTHON) -m orchestration.cli.check_data

ui: setup
	$(PYTHON) -m orchestration.ui

query: setup
	@$(PYTHON) -m orchestration.cli.query

backtest: setup
	$(PYTHON) -m orchestration.cli.evaluation.backtest

ablation: setup
	$(PYTHON) -m orchestration.cli.evaluation.ablation

replay: setup
	$(PYTHON) -m orchestration.cli.replay

rollback: setup
	$(PYTHON) -m orchestration.cli.rollback

rebuild: setup
	@$(PYTHON) -m orchestration.cli.rebuild

audience: setup
	@$(PYTHON) -m orchestration.cli.audience

erase: setup
	@$(PYTHON) -m orchestration.cli.privacy.erase

export-subject: setup
	@$(PYTHON) -m orchestration.cli.privacy.export_subject

scan: setup
	@$(PYTHON) -m orchestration.cli.privacy.scan

vault-key: setup
	@$(PYTHON) -m orchestration.cli.privacy.vault_key

rotate-vault-key: setup
	@$(PYTHON) -m orchestration.cli.privacy.rotate_vault_key

fix: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix dbt_project/models

docs: setup
	$(PYTHON) -m orchestration.cli.docs

# Each pytest worker has one core: more threads than cores would only wait for each other.
check test: export OMP_NUM_THREADS := 1

check: setup
	"$(UV)" lock --check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy assets checks orchestration benchmarks tests
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint dbt_project/models
	$(PYTHON) -m orchestration.resources.dbt_manifest
	$(BIN)/dg check defs
	$(PYTHON) -m pytest tests/architecture tests/unit -n 2

# In this order: the files of the journeys take longest, and short files at the end keep both cores busy.
test: check
	$(PYTHON) -m pytest tests/graph tests/journey tests/assets tests/warehouse tests/sources \
		-n 2 --dist loadfile --no-loadscope-reorder -rs

bench: setup
	$(PYTHON) -m benchmarks

# uv exits with 1 for a known vulnerability and with 2 without an answer, which is printed and is not a failure.
audit: setup
	@"$(UV)" audit --frozen --preview-features audit-command $${ADVISORIES:+--service-url="$$ADVISORIES"} \
		|| { test $$? -eq 2 && echo "NOT AUDITED: the advisory service did not answer, so the locked packages were not checked"; }

faults: setup
	$(PYTHON) -m tests.journey.faults $${KILLS:+--kills="$$KILLS"} $${EVERY:+--every="$$EVERY"}

screenshots: setup
	$(PYTHON) -m tests.journey.screenshots

clean: .venv/.ready
	@$(PYTHON) -m orchestration.cli.clean
