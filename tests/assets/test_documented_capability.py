"""The modules on docs/example-capability.md run as they stand there."""

import importlib
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import yaml

import assets
import checks.capabilities
from assets.features.customers import ELIGIBILITY
from assets.lifecycle.defs import scores_asset, trained_assets
from assets.lifecycle.run_context import score_types
from assets.lifecycle.store.schemas import FLAG, TEXT
from checks.models.defs import capability_checks
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.architecture.baseline import ROOT

PAGE = ROOT / "docs" / "example-capability.md"
CONTRACTS = ROOT / "dbt_project" / "models" / "published" / "scores.yml"
BLOCK = re.compile(r"\*\*`([^`\n]+)`\*\*.*\n\n```\w+\n((?:.*\n)*?)```$", re.MULTILINE)
NAME = "reorder_reminder"
DATES = [date(2025, 1, 6), date(2025, 1, 13)]


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """Path to content of every file that the page shows."""
    return dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def modules(shown: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ModuleType]]:
    """The modules of the capability and of its checks, from a folder beside the project's own."""
    root = tmp_path_factory.mktemp("documented")
    for path, content in shown.items():
        if path.endswith(".py") and NAME in path:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assets, "__path__", [*assets.__path__, str(root / "assets")])
        folders = [*checks.capabilities.__path__, str(root / "checks" / "capabilities")]
        patch.setattr(checks.capabilities, "__path__", folders)
        yield [
            importlib.import_module(f"assets.{NAME}.capability"),
            importlib.import_module(f"checks.capabilities.{NAME}"),
        ]


@pytest.fixture
def warehouse(tmp_path: Path, modules: list[ModuleType]) -> DuckDBWarehouse:
    """Eighty customers, each regular at a gap of their own; one has no gap and one refused profiling."""
    capability, _ = modules
    rng = np.random.default_rng(7)
    ids = pd.Series([f"c{number:02}" for number in range(80)], dtype=TEXT)
    mean, gaps = rng.uniform(5, 60, size=80).round(), np.where(ids == "c00", 0.0, 6.0)
    known = pd.Series(np.where(gaps > 0, mean, np.nan))
    rows = pd.DataFrame(
        {"customer_id": ids, "gaps": gaps, "gap_mean_days": known, "gap_last_days": known + 1}
    )
    people = ids.to_frame("customer_id").assign(
        ineligible_reason=pd.Series(pd.NA, index=ids.index, dtype=TEXT).mask(ids == "c01", "no_consent"),
        is_holdout=pd.Series(data=False, index=ids.index, dtype=FLAG),
        consent_ads=True,
        consent_profiling=ids != "c01",
    )
    orders = rows[["customer_id", "gap_mean_days"]].assign(days_since_order=3)
    found = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    for key, frame in ((capability.GAPS, rows), (capability.ORDERS, orders), (ELIGIBILITY, people)):
        dated = [frame.assign(as_of_date=pd.Timestamp(day)) for day in DATES]
        found.replace(key, pd.concat(dated, ignore_index=True).astype({"as_of_date": "date32[pyarrow]"}))
    return found


def run(modules: list[ModuleType], warehouse: DuckDBWarehouse, as_of: date) -> dg.ExecuteInProcessResult:
    """All steps and checks of one as-of date."""
    capability, own_checks = modules
    example, dates = capability.REORDER_REMINDER, dg.StaticPartitionsDefinition([str(day) for day in DATES])
    return dg.materialize(
        [
            *trained_assets(example, dates),
            scores_asset(example, dates),
            *capability_checks(example, invariants=own_checks.invariants(example)),
        ],
        partition_key=str(as_of),
        resources={
            "warehouse": warehouse,
            "models": FolderModelStore(root=str(Path(warehouse.database).parent / "models")),
        },
        instance=dg.DagsterInstance.ephemeral(),
    )


def test_the_example_is_promoted_scored_and_checked(
    modules: list[ModuleType], warehouse: DuckDBWarehouse
) -> None:
    result = run(modules, warehouse, DATES[0])
    assert {each.check_name: each.passed for each in result.get_asset_check_evaluations()} == {
        "candidate_passes_the_gate": True,
        "scores_match_contract": True,
        "cohort_is_scored_once": True,
        "days_until_order_are_not_negative": True,
    }
    scores = warehouse.read(f"from ml.{NAME}__scores order by customer_id").set_index("customer_id")
    assert (len(scores), set(scores["status"]), set(scores["quality_grade"])) == (80, {"ok"}, {"Fair"})
    assert scores.loc["c01", ["expected_gap_days", "days_until_order"]].isna().all()
    assert scores.loc["c02", "days_until_order"] == scores.loc["c02", "expected_gap_days"] - 3


def test_the_next_candidate_must_beat_it(modules: list[ModuleType], warehouse: DuckDBWarehouse) -> None:
    for day in DATES:
        assert run(modules, warehouse, day).success
    log = warehouse.read("select decision, reasons from ml.retrain_log order by as_of_date")
    assert list(log["decision"]) == ["promote", "refuse"]
    assert "does not beat the champion" in log["reasons"].iloc[1]
    registered = warehouse.read("select stage, n_rows from ml.model_registry order by model_version")
    assert [tuple(row) for row in registered.itertuples(index=False)] == [("champion", 78), ("refused", 78)]


def test_the_contract_on_the_page_has_the_declared_columns(
    modules: list[ModuleType], shown: dict[str, str]
) -> None:
    block = next(content for path, content in shown.items() if path.endswith("scores.yml"))
    models = yaml.safe_load(CONTRACTS.read_text(encoding="utf-8") + block)["models"]
    columns = {model["name"]: [column["name"] for column in model["columns"]] for model in models}
    declared = list(score_types(modules[0].REORDER_REMINDER.spec))
    assert columns[NAME] == columns[f"{NAME}_latest"] == declared
