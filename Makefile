# Each target is one command; `make run` and `make test` install what is missing.

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

.PHONY: setup run ui query backtest replay rollback rebuild audience erase export-subject scan vault-key rotate-vault-key check fix docs test bench audit faults screenshots clean

# Dagster reads its configuration from its home, which is outside the repository.
setup: .venv/.ready
	@mkdir -p $(DAGSTER_HOME)
	@cmp --silent orchestration/dagster.yaml $(DAGSTER_HOME)/dagster.yaml || { \
		cp orchestration/dagster.yaml $(DAGSTER_HOME)/dagster.yaml \
		&& echo "copied orchestration/dagster.yaml to $(DAGSTER_HOME), where it was missing or different" >&2; }

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet uv==$(UV_VERSION)

.venv/.ready: pyproject.toml uv.lock | $(if $(findstring .uv/,$(UV)),.uv/bin/uv)
	$(UV) sync --frozen
	touch $@

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
	$(PYTHON) -m orchestration.cli.rollback --reason "$(REASON)" $(if $(CAPABILITY),--capability $(CAPABILITY))

rebuild: setup
	@$(PYTHON) -m orchestration.cli.rebuild

audience: setup
	@$(PYTHON) -m orchestration.cli.audience $(if $(SEND),--send $(SEND))

erase: setup
	@$(PYTHON) -m orchestration.cli.privacy.erase --customer "$(CUSTOMER)"

export-subject: setup
	@$(PYTHON) -m orchestration.cli.privacy.export_subject --customer "$(CUSTOMER)"

scan: setup
	@$(PYTHON) -m orchestration.cli.privacy.scan

vault-key: setup
	@$(PYTHON) -m orchestration.cli.privacy.vault_key

rotate-vault-key: setup
	@$(PYTHON) -m orchestration.cli.privacy.rotate_vault_key

fix: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix dbt_project/models dbt_project/tests

docs: setup
	$(PYTHON) -m orchestration.cli.docs

# Each pytest worker has one core: more threads than cores would only wait for each other.
check test: export OMP_NUM_THREADS := 1

check: setup
	$(UV) lock --check
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
	@$(UV) audit --frozen --preview-features audit-command $(if $(ADVISORIES),--service-url $(ADVISORIES)) \
		|| { test $$? -eq 2 && echo "NOT AUDITED: the advisory service did not answer, so the locked packages were not checked"; }

faults: setup
	$(PYTHON) -m tests.journey.faults $(if $(KILLS),--kills $(KILLS)) $(if $(EVERY),--every $(EVERY))

screenshots: setup
	$(PYTHON) -m tests.journey.screenshots

clean:
	rm -rf $(VAR_DIR)
