# Every target is one thing a person could type; `make run` and `make test` set up whatever is missing.

SHELL := /bin/bash
.DEFAULT_GOAL := run

BUSINESS ?= config/sample_shop.yaml
VAR_DIR ?= var
UV_VERSION := 0.13.9

export BUSINESS VAR_DIR DATA_DIR SIZE
export VAULT_KEY_FILE
export DAGSTER_HOME := $(abspath $(VAR_DIR))/dagster
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

.PHONY: setup run ui query backtest replay rollback audience erase export-subject scan vault-key rotate-vault-key check fix docs test bench audit faults screenshots clean

setup: .venv/.ready $(DAGSTER_HOME)/dagster.yaml

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet uv==$(UV_VERSION)

.venv/.ready: pyproject.toml uv.lock | $(if $(findstring .uv/,$(UV)),.uv/bin/uv)
	$(UV) sync --frozen
	touch $@

$(DAGSTER_HOME)/dagster.yaml: orchestration/dagster.yaml
	mkdir -p $(@D)
	cp $< $@

run: setup
	$(PYTHON) -m orchestration.cli.run

ui: setup
	$(BIN)/dagster dev --host 127.0.0.1 --port $(or $(PORT),3000) --workspace workspace.yaml

query: setup
	@$(PYTHON) -m orchestration.cli.query "$(SQL)"

backtest: setup
	$(PYTHON) -m orchestration.cli.backtest $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO))

replay: setup
	$(PYTHON) -m orchestration.cli.replay $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) $(if $(EVERY),--every $(EVERY))

rollback: setup
	$(PYTHON) -m orchestration.cli.rollback --reason "$(REASON)" $(if $(PROBLEM),--problem $(PROBLEM))

audience: setup
	@$(PYTHON) -m orchestration.cli.audience $(if $(SEND),--send $(SEND))

erase: setup
	@$(PYTHON) -m orchestration.cli.privacy.erase --customer "$(CUSTOMER)"

export-subject: setup
	@$(PYTHON) -m orchestration.cli.privacy.export_subject --customer "$(CUSTOMER)"

scan: setup
	@$(PYTHON) -m orchestration.cli.privacy.scan

vault-key: setup
	@$(PYTHON) -m orchestration.resources.vault_keys

rotate-vault-key: setup
	@$(PYTHON) -m orchestration.cli.privacy.rotate_vault_key

fix: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix dbt_project/models dbt_project/tests

docs: setup
	$(PYTHON) -m orchestration.cli.docs

# Each worker of pytest has one core: more threads than cores would only wait for each other.
check test: export OMP_NUM_THREADS := 1

check: setup
	$(UV) lock --check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy assets checks orchestration benchmarks
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint dbt_project/models
	$(PYTHON) -m orchestration.resources.dbt_manifest
	$(BIN)/dg check defs
	$(PYTHON) -m pytest tests/architecture tests/unit -n 2

# In this order: the journeys' files take longest, and at the end short ones leave no core without work.
test: check
	$(PYTHON) -m pytest tests/graph tests/journey tests/assets tests/warehouse tests/sources \
		-n 2 --dist loadfile --no-loadscope-reorder -rs

bench: setup
	$(PYTHON) -m benchmarks

# uv's exit code 1 is a known hole; 2 is no answer, which is said and fails nobody's night.
audit: setup
	@$(UV) audit --frozen --preview-features audit-command $(if $(ADVISORIES),--service-url $(ADVISORIES)) \
		|| { test $$? -eq 2 && echo "NOT AUDITED: the advisories could not be had; nothing is known of the locked packages"; }

faults: setup
	$(PYTHON) -m tests.journey.faults $(if $(KILLS),--kills $(KILLS)) $(if $(EVERY),--every $(EVERY))

screenshots: setup
	$(PYTHON) -m tests.journey.screenshots

clean:
	rm -rf $(VAR_DIR)
