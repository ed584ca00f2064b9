"""A capability of few lines gets assets, checks, rollback, triggers, a card, a grade and a readiness row."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from assets.features.requirements import required_orders
from assets.keys import MODEL_REGISTRY, RETRAIN_LOG, USABILITY_REPORT, Key
from assets.lifecycle.capability import (
    Capability,
    Champion,
    Evaluation,
    Fit,
    MetricKey,
    NothingToScore,
    Performance,
    TrainingRecord,
)
from assets.lifecycle.defs import realised_asset, scores_asset, trained_assets
from assets.lifecycle.gate import Comparison
from assets.lifecycle.promotion import CARD_FILE, COOL_DOWN, NothingToRollBackTo, promote, roll_back
from assets.lifecycle.realised import monitor
from assets.lifecycle.report.grade import FALLBACK, GRADE_MEANINGS
from assets.lifecycle.retrain_triggers import NO_CHAMPION, pending_trigger
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.scoring import score
from assets.lifecycle.spec import CanaryScore, Outcome, Spec, TableSpec
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.fingerprints import rows_hash
from assets.lifecycle.store.schemas import BIN_TYPES, DATE, METRIC_TYPES, NUMBER, TEXT, typed
from assets.lifecycle.training import evaluate
from assets.monitoring.defs import usability_asset
from assets.monitoring.drift.step import drift
from assets.ports import Warehouse
from checks.models.defs import capability_checks
from orchestration.resources.models import FolderModelStore
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.assets.judged import failed
from tests.raw_tables import create_raw_tables

ORDERS, COHORT = Key("marts", "weekly_orders"), Key("intermediate", "toy__cohort")
SPEC = Spec(
    name="weekly_order_rate",
    question="How many orders does a customer place next week?",
    owner="marketing",
    subject="customer_id",
    cohort=COHORT,
    tables=(TableSpec(key=Key("ml", "weekly_order_rate__scores"), columns={"expected_orders": "float64"}),),
    trained_from=(ORDERS,),
    scored_from=(COHORT,),
    requires=(required_orders(customers=2, days=7),),
    outcomes=(Outcome(table=ORDERS, matures_days=7),),
    compared=Comparison(metric="squared_error", label="squared error"),
    fallback_grade=FALLBACK,
    code=(),
    spec_hash="0" * 64,
    seed=1,
    retrain="every_run",
    canary_score=CanaryScore(column="expected_orders"),
)
DATES = [date(2025, 1, 6) + timedelta(weeks=week) for week in range(12)]
FIRST, SECOND = DATES[3], DATES[4]
ORDER_TYPES = {"customer_id": TEXT, "as_of_date": DATE, "orders": NUMBER}
CUSTOMERS = ["c1", "c2", "c3", "c4"]


class Rate(Capability[pd.DataFrame, float, pd.DataFrame, None]):
    """Expected orders of a customer in the next week: the mean of all weeks known."""

    spec = SPEC

    def load(self, warehouse: Warehouse, *, as_of: date) -> pd.DataFrame:
        sql = f"from {ORDERS.sql} where as_of_date + 7 <= $as_of order by all"
        return warehouse.read(sql, {"as_of": as_of})

    def data_hash(self, data: pd.DataFrame) -> str:
        return rows_hash(data)

    def baseline(self, data: pd.DataFrame) -> Fit[float] | None:
        return Fit(model=0.0, record=TrainingRecord(n_rows=len(data))) if len(data) else None

    def backtest(self, data: pd.DataFrame, *, champion: Champion[float] | None, version: str) -> Any:
        key = MetricKey(model_name=self.spec.name, model_version=version, split="test")
        others = {"": 0.0, **({"champion_": champion.model} if champion else {})}
        error = {rate: ((data["orders"] - rate) ** 2).mean() for rate in (*others.values(), mean(data))}
        found = {
            f"{name}squared_error_difference": error[mean(data)] - error[r] for name, r in others.items()
        }
        return Evaluation(metrics=metric_rows(key, found), bins=typed([], BIN_TYPES))

    def fit(self, data: pd.DataFrame, *, params: Mapping[str, Any], champion: Champion[float] | None) -> Any:  # noqa: ARG002
        return Fit(model=mean(data), record=TrainingRecord(n_rows=len(data)))

    def rows_to_score(self, warehouse: Warehouse, *, as_of: date) -> Iterator[pd.DataFrame]:
        sql = f"select customer_id from {COHORT.sql} where as_of_date = $as_of and ineligible_reason is null"
        yield warehouse.read(sql, {"as_of": as_of})

    def score(self, model: float, batch: pd.DataFrame, state: None) -> pd.DataFrame:  # noqa: ARG002
        return batch.assign(expected_orders=model)

    def published(self, warehouse: Warehouse, *, first: date, last: date, as_of: date) -> pd.DataFrame:  # noqa: ARG002
        both = f"{self.spec.scores.sql} inner join {ORDERS.sql} using (customer_id, as_of_date)"
        return warehouse.read(
            f"from {both} where as_of_date between $a and $b and status = 'ok' and is_eligible",
            {"a": first, "b": last},
        )

    def realised(self, published: pd.DataFrame, *, key: MetricKey) -> Performance:
        bias = float(published["expected_orders"].mean() - published["orders"].mean())
        defects = (f"expected orders are off by {bias:.1f}",) if abs(bias) > 5 else ()
        return Performance(
            metrics=metric_rows(key, {"bias": bias}),
            bins=typed([], BIN_TYPES),
            figures={"bias": bias},
            defects=defects,
        )


def mean(data: pd.DataFrame) -> float:
    """Orders of a customer and week."""
    return float(data["orders"].mean())


def metric_rows(key: MetricKey, found: Mapping[str, float]) -> pd.DataFrame:
    """Rows of ``ml.metrics`` without sampling error."""
    shared = {
        **dict.fromkeys(METRIC_TYPES),
        "model_name": key.model_name,
        "model_version": key.model_version,
        "split": key.split,
        "as_of_date": key.as_of_date,
        "slice_name": "all",
        "slice_value": "all",
        "n": 1,
        "n_positive": 0,
    }
    rows = [{**shared, "metric": name, "value": v, "ci_lo": v, "ci_hi": v} for name, v in found.items()]
    return typed(rows, METRIC_TYPES)


def on_trigger(**changed: Any) -> Rate:
    """The toy with another declaration, fitted on a trigger."""
    found = Rate()
    found.spec = replace(SPEC, retrain="on_trigger", **changed)
    return found


TOY, ON_TRIGGER = Rate(), on_trigger()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a warehouse in which each of four customers orders twice a week; c4 refused consent."""
    warehouse = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    rows = pd.DataFrame(
        [(name, day) for day in DATES for name in CUSTOMERS], columns=["customer_id", "as_of_date"]
    )
    is_refused = rows["customer_id"] == "c4"
    reasons = pd.Series(pd.NA, index=rows.index, dtype="string").mask(is_refused, "no_consent")
    cohort = rows.assign(
        ineligible_reason=reasons, is_holdout=False, consent_ads=True, consent_profiling=~is_refused
    )
    warehouse.replace(COHORT, cohort)
    write_orders(tmp_path, rows.assign(orders=2))
    return tmp_path


def write_orders(folder: Path, rows: pd.DataFrame) -> None:
    """Replace the table of weekly orders."""
    DuckDBWarehouse(database=str(folder / "warehouse.duckdb")).replace(ORDERS, typed(rows, ORDER_TYPES))


def surge(folder: Path, *, since: date) -> None:
    """From ``since`` on each customer orders six times a week."""
    rows = table(folder, ORDERS)
    rows["orders"] = rows["orders"].mask(pd.to_datetime(rows["as_of_date"]).dt.date >= since, 6)
    write_orders(folder, rows)


def run_of(
    folder: Path, as_of: date, capability: Rate = TOY, *, has_canary: bool = False
) -> RunContext[pd.DataFrame, float]:
    """A run, as a process of its own would make it."""
    return RunContext(
        capability=capability,
        warehouse=DuckDBWarehouse(database=str(folder / "warehouse.duckdb")),
        models=FolderModelStore(root=str(folder / "models")),
        as_of=as_of,
        run_id=f"run of {as_of}",
        now=datetime.combine(as_of, time(5)),
        has_canary=has_canary,
    )


def run_date(
    folder: Path, as_of: date, capability: Rate = TOY, *, has_canary: bool = False
) -> ChampionVersion:
    """All steps of one as-of date."""
    run = partial(run_of, folder, as_of, capability, has_canary=has_canary)
    monitor(run())
    evaluate(run())
    serving = promote(run())
    assert serving is not None
    score(run())
    return serving


def table(folder: Path, key: Key) -> pd.DataFrame:
    """Everything in a table."""
    return run_of(folder, FIRST).warehouse.read(f"from {key.sql} order by all")


def scored(folder: Path, as_of: date) -> pd.DataFrame:
    """The score rows of one as-of date."""
    rows = table(folder, SPEC.scores)
    return rows.loc[pd.to_datetime(rows["as_of_date"]).dt.date == as_of].reset_index(drop=True)


def decisions(folder: Path, as_of: date) -> list[str]:
    """The decisions of one as-of date."""
    rows = table(folder, RETRAIN_LOG)
    return sorted(rows.loc[pd.to_datetime(rows["as_of_date"]).dt.date == as_of, "decision"])


def stages(folder: Path) -> dict[str, str]:
    """Version to stage, as registered."""
    rows = table(folder, MODEL_REGISTRY)
    return dict(zip(rows["model_version"], rows["stage"], strict=True))


def test_the_toy_has_at_most_forty_lines() -> None:
    lines = inspect.getsource(Rate).splitlines()
    assert len([line for line in lines if line.strip()]) <= 40


def test_its_assets_and_checks_run_in_dagster(shop: Path) -> None:
    dates = dg.StaticPartitionsDefinition([str(day) for day in DATES])
    assets = [*trained_assets(TOY, dates), realised_asset(TOY, dates), scores_asset(TOY, dates)]
    run = run_of(shop, FIRST)
    result = dg.materialize(
        [*assets, *capability_checks(TOY)],
        partition_key=str(FIRST),
        resources={"warehouse": run.warehouse, "models": run.models},
        instance=dg.DagsterInstance.ephemeral(),
    )
    assert result.success
    assert {each.check_name: each.passed for each in result.get_asset_check_evaluations()} == {
        "candidate_passes_the_gate": True,
        "realised_performance_is_within_tolerance": True,
        "scores_match_contract": True,
        "cohort_is_scored_once": True,
        "canary_agrees_with_champion": True,
    }
    rows = scored(shop, FIRST)
    assert list(rows["customer_id"]) == CUSTOMERS
    assert list(rows["is_eligible"]) == [True, True, True, False]
    assert list(rows["expected_orders"].dropna()) == [2, 2, 2]
    assert list(rows["consent_profiling"]) == [True, True, True, False]
    assert set(rows["status"]) == {"ok"}
    assert set(rows["id_type"]) == {"customer_id"}


def test_its_data_requirements_are_in_the_usability_report(shop: Path) -> None:
    warehouse = run_of(shop, FIRST).warehouse
    create_raw_tables(warehouse)
    with warehouse.connect() as connection:
        connection.execute(
            "insert into raw.order_lines (customer_id, ordered_at, product_id, quantity, unit_price) values "
            "('c1', '2025-01-20 08:00:00', 'p', 1, 2), ('c1', '2025-01-26 08:00:00', 'p', 1, 2)"
        )
    asset = usability_asset(dg.StaticPartitionsDefinition([str(day) for day in DATES]), [TOY.spec])

    def reported() -> tuple[str, str, str]:
        dg.materialize([asset], partition_key=str(FIRST), resources={"warehouse": warehouse})
        row = table(shop, USABILITY_REPORT).set_index("name").loc["weekly_order_rate"]
        return str(row["state"]), str(row["table_name"]), str(row["details"])

    assert reported() == ("off", "order_lines", "order_lines: 1 customers, 2 needed")
    with warehouse.connect() as connection:
        connection.execute("insert into raw.order_lines (customer_id) values ('c2')")
    assert reported() == (
        "on",
        "order_lines",
        "requirements met; scored in ml.weekly_order_rate__scores, not published",
    )


def test_a_version_has_a_card_and_a_grade(shop: Path) -> None:
    serving = run_date(shop, FIRST)
    row = table(shop, MODEL_REGISTRY).iloc[0]
    assert (row["stage"], row["n_rows"]) == ("champion", 12)
    assert row["quality_grade"] == serving.quality_grade in GRADE_MEANINGS
    card = (run_of(shop, FIRST).folder(serving.model_version) / CARD_FILE).read_text(encoding="utf-8")
    assert card.startswith(f"# weekly_order_rate, version {serving.model_version}")
    assert f"Grade **{row['quality_grade']}**" in card
    assert "Promoted:\n\n* beats the baseline: squared error" in card


def test_without_data_scores_are_withheld_and_the_check_passes(shop: Path) -> None:
    evaluate(run_of(shop, DATES[0]))
    assert promote(run_of(shop, DATES[0])) is None
    assert score(run_of(shop, DATES[0])) is None
    assert decisions(shop, DATES[0]) == ["withhold"]
    checks = capability_checks(TOY)
    assert failed(checks, run_of(shop, FIRST).warehouse, as_of=DATES[0], of=[SPEC.scores]) == {}


def test_the_baseline_serves_while_no_candidate_passes(shop: Path) -> None:
    write_orders(shop, table(shop, ORDERS).assign(orders=0))
    serving = run_date(shop, FIRST)
    assert serving.is_fallback
    assert stages(shop)[serving.model_version] == "champion"
    assert set(scored(shop, FIRST)["status"]) == {"fallback_model"}
    assert decisions(shop, FIRST) == ["fallback"]


def test_an_unknown_consent_to_ads_stays_unknown_in_the_scores(shop: Path) -> None:
    cohort = table(shop, COHORT)
    answers = cohort["customer_id"].map({"c1": True, "c2": False}).astype("boolean")
    run_of(shop, FIRST).warehouse.replace(COHORT, cohort.assign(consent_ads=answers))
    run_date(shop, FIRST)
    assert list(scored(shop, FIRST)["consent_ads"]) == [True, False, pd.NA, pd.NA]


def test_a_repeated_date_changes_nothing(shop: Path) -> None:
    keys = (SPEC.scores, SPEC.champion, SPEC.evaluation, SPEC.realised, MODEL_REGISTRY, RETRAIN_LOG)
    run_date(shop, FIRST)
    before = [table(shop, key) for key in keys]
    run_date(shop, FIRST)
    for key, rows in zip(keys, before, strict=True):
        pd.testing.assert_frame_equal(table(shop, key), rows, obj=key.name)


def test_a_candidate_that_is_no_better_leaves_the_champion(shop: Path) -> None:
    first = run_date(shop, FIRST)
    assert run_date(shop, SECOND) == first
    assert decisions(shop, SECOND) == ["refuse"]
    assert set(scored(shop, SECOND)["model_version"]) == {first.model_version}


def test_published_scores_that_do_not_match_outcomes_withhold_the_next(shop: Path) -> None:
    serving = run_date(shop, FIRST)
    warehouse = run_of(shop, FIRST).warehouse
    with warehouse.connect() as connection:
        connection.execute(f"update {SPEC.scores.sql} set expected_orders = 9 where is_eligible")
    before = scored(shop, FIRST)
    assert run_date(shop, SECOND) == serving
    assert scored(shop, SECOND).empty
    pd.testing.assert_frame_equal(scored(shop, FIRST), before)
    assert decisions(shop, SECOND) == ["refuse", "withhold"]
    reasons = table(shop, RETRAIN_LOG).query("decision == 'withhold'")["reasons"].item()
    assert reasons == "expected orders are off by 7.0"
    found = failed(capability_checks(TOY), warehouse, as_of=SECOND, of=[SPEC.realised, SPEC.scores])
    assert list(found) == ["realised_performance_is_within_tolerance"]
    assert found["realised_performance_is_within_tolerance"].startswith(reasons)


@pytest.fixture
def rolled_back(shop: Path) -> tuple[Path, str, str]:
    """A shop whose second version was rolled back on its first date: the folder and both versions."""
    first = run_date(shop, FIRST).model_version
    surge(shop, since=DATES[3])
    second = run_date(shop, SECOND).model_version
    assert first != second
    serving = roll_back(run_of(shop, SECOND), reason="complaints")
    assert serving.model_version == first
    return shop, first, second


def test_a_rollback_serves_and_scores_with_the_version_before(rolled_back: tuple[Path, str, str]) -> None:
    shop, first, second = rolled_back
    assert stages(shop) == {first: "champion", second: "retired"}
    assert decisions(shop, SECOND) == ["promote", "rollback"]
    score(run_of(shop, SECOND))
    assert set(scored(shop, SECOND)["model_version"]) == {first}


def test_with_one_version_there_is_nothing_to_roll_back_to(shop: Path) -> None:
    run_date(shop, FIRST)
    with pytest.raises(NothingToRollBackTo, match="no version of weekly_order_rate served before"):
        roll_back(run_of(shop, SECOND), reason="x")


def test_a_rolled_back_version_is_not_promoted_again(rolled_back: tuple[Path, str, str]) -> None:
    shop, first, second = rolled_back
    assert run_date(shop, SECOND).model_version == first
    reasons = table(shop, RETRAIN_LOG).query("decision == 'refuse'")["reasons"].item()
    assert reasons == f"{second} was rolled back, and a rolled-back version is not promoted again"
    # It keeps its place in the registry, so that the rollback itself can be undone.
    assert stages(shop) == {first: "champion", second: "retired"}
    assert table(shop, MODEL_REGISTRY)["model_sha256"].notna().all()


def test_promotion_pauses_for_two_weeks_after_a_rollback(rolled_back: tuple[Path, str, str]) -> None:
    shop, first, _ = rolled_back
    assert timedelta(weeks=2) == COOL_DOWN
    assert run_date(shop, DATES[5]).model_version == first
    reasons = table(shop, RETRAIN_LOG).query("decision == 'refuse'")["reasons"].item()
    assert reasons == f"promotion is paused until {SECOND + COOL_DOWN} after the rollback on {SECOND}"
    assert run_date(shop, DATES[6]).model_version != first
    assert decisions(shop, DATES[6]) == ["promote"]


def canary_of(folder: Path) -> "pd.Series[Any]":
    """The one row of the canary table."""
    return table(folder, SPEC.canary).iloc[0]


@pytest.fixture
def with_canary(shop: Path) -> tuple[Path, str]:
    """A shop with a champion and a few more orders since; a canary agrees with that version."""
    first = run_date(shop, FIRST).model_version
    rows = table(shop, ORDERS)
    is_new = (pd.to_datetime(rows["as_of_date"]).dt.date >= FIRST) & (rows["customer_id"] == "c1")
    write_orders(shop, rows.assign(orders=rows["orders"].mask(is_new, 3)))
    return shop, first


def test_a_canary_scores_beside_the_champion_and_serves_alone_on_the_next_date(
    with_canary: tuple[Path, str],
) -> None:
    shop, first = with_canary
    assert run_date(shop, SECOND, has_canary=True).model_version == first
    assert set(scored(shop, SECOND)["model_version"]) == {first}
    canary = canary_of(shop)
    beside = table(shop, SPEC.canary_scores)
    assert set(beside["model_version"]) == {canary["model_version"]} != {first}
    # 25 orders of four customers in four weeks, where the first version expects 2 a week.
    assert list(beside["expected_orders"].dropna()) == [33 / 16] * 3
    assert canary["agrees"]
    assert decisions(shop, SECOND) == ["canary", "promote"]
    score(run_of(shop, DATES[5]))
    assert set(scored(shop, DATES[5])["model_version"]) == {canary["model_version"]}
    assert stages(shop) == {first: "retired", canary["model_version"]: "champion"}


def test_a_canary_is_asked_for_by_the_definition_of_the_assets(with_canary: tuple[Path, str]) -> None:
    shop, first = with_canary
    dates = dg.StaticPartitionsDefinition([str(day) for day in DATES])
    run = run_of(shop, SECOND)
    dg.materialize(
        [*trained_assets(TOY, dates, has_canary=True), scores_asset(TOY, dates)],
        partition_key=str(SECOND),
        resources={"warehouse": run.warehouse, "models": run.models},
        instance=dg.DagsterInstance.ephemeral(),
    )
    assert decisions(shop, SECOND) == ["canary", "promote"]
    assert set(scored(shop, SECOND)["model_version"]) == {first}


def test_a_repeated_date_may_withdraw_a_canary_that_agreed(with_canary: tuple[Path, str]) -> None:
    shop, first = with_canary
    run_date(shop, SECOND, has_canary=True)
    surge(shop, since=DATES[3])
    assert run_date(shop, SECOND, has_canary=True).model_version == first
    score(run_of(shop, DATES[5]))
    assert set(scored(shop, DATES[5])["model_version"]) == {first}
    assert stages(shop)[first] == "champion"


def test_a_red_canary_keeps_the_champion_and_logs_why(shop: Path) -> None:
    first = run_date(shop, FIRST).model_version
    surge(shop, since=DATES[3])
    assert run_date(shop, SECOND, has_canary=True).model_version == first
    assert decisions(shop, SECOND) == ["canary", "refuse"]
    reasons = table(shop, RETRAIN_LOG).query("decision == 'refuse'")["reasons"].item()
    # Three weeks of 2 orders and one of 6: 3.
    assert reasons == "canary: its total is 1.50 of the champion's, 0.82 to 1.22 are allowed"
    score(run_of(shop, DATES[5]))
    assert set(scored(shop, DATES[5])["model_version"]) == {first}
    assert stages(shop) == {first: "champion", canary_of(shop)["model_version"]: "refused"}
    found = failed(capability_checks(TOY), run_of(shop, SECOND).warehouse, as_of=SECOND, of=[SPEC.scores])
    assert list(found) == ["canary_agrees_with_champion"]


def test_a_repeated_canary_date_changes_nothing(with_canary: tuple[Path, str]) -> None:
    shop, _ = with_canary
    keys = (SPEC.scores, SPEC.champion, SPEC.canary, SPEC.canary_scores, MODEL_REGISTRY, RETRAIN_LOG)
    run_date(shop, SECOND, has_canary=True)
    before = [table(shop, key) for key in keys]
    run_date(shop, SECOND, has_canary=True)
    for key, rows in zip(keys, before, strict=True):
        pd.testing.assert_frame_equal(table(shop, key), rows, obj=key.name)


def test_a_canary_that_was_not_scored_is_scored_on_the_next_date(with_canary: tuple[Path, str]) -> None:
    shop, first = with_canary
    run = partial(run_of, shop, SECOND, has_canary=True)
    monitor(run())
    evaluate(run())
    promote(run())
    score(run_of(shop, DATES[5]))
    assert set(scored(shop, DATES[5])["model_version"]) == {first}
    score(run_of(shop, DATES[6]))
    assert first not in set(scored(shop, DATES[6])["model_version"])


def test_a_rollback_withdraws_the_canary_that_would_serve_next(with_canary: tuple[Path, str]) -> None:
    shop, first = with_canary
    surge(shop, since=DATES[3])
    second = run_date(shop, SECOND).model_version
    write_orders(shop, table(shop, ORDERS).assign(orders=3.4))
    assert run_date(shop, DATES[5], has_canary=True).model_version == second
    assert canary_of(shop)["agrees"]
    assert roll_back(run_of(shop, DATES[5]), reason="complaints").model_version == first
    score(run_of(shop, DATES[6]))
    assert set(scored(shop, DATES[6])["model_version"]) == {first}


def test_without_a_champion_nothing_scores_beside_another(shop: Path) -> None:
    serving = run_date(shop, FIRST, has_canary=True)
    assert decisions(shop, FIRST) == ["promote"]
    assert set(scored(shop, FIRST)["model_version"]) == {serving.model_version}


def test_a_replayed_past_date_leaves_the_champion_of_the_registry(shop: Path) -> None:
    newest = run_date(shop, FIRST).model_version
    past = run_date(shop, DATES[2]).model_version
    assert past != newest
    assert stages(shop) == {past: "retired", newest: "champion"}
    assert set(scored(shop, DATES[2])["model_version"]) == {past}


def test_a_capability_that_is_fitted_in_every_run_has_no_trigger(shop: Path) -> None:
    run_date(shop, FIRST)
    warehouse = run_of(shop, FIRST).warehouse
    assert pending_trigger(SPEC, warehouse, as_of=FIRST + timedelta(weeks=40)) is None


@pytest.mark.parametrize("outcomes", [SPEC.outcomes, ()])
def test_one_that_is_fitted_on_a_trigger_is_fitted_while_no_champion_serves(
    shop: Path, outcomes: tuple[Outcome, ...]
) -> None:
    capability = on_trigger(outcomes=outcomes)
    run = run_of(shop, FIRST, capability)
    assert pending_trigger(capability.spec, run.warehouse, as_of=FIRST) is None
    run.prepare()
    trigger = pending_trigger(capability.spec, run.warehouse, as_of=FIRST)
    assert trigger is not None
    assert (trigger.trigger, trigger.reasons) == (NO_CHAMPION, "nothing has been trained yet")
    evaluate(run)
    promote(run)
    assert pending_trigger(capability.spec, run.warehouse, as_of=FIRST + COOL_DOWN) is None


def test_drift_without_a_reference_compares_nothing(shop: Path) -> None:
    run_date(shop, FIRST, ON_TRIGGER)
    row = drift(run_of(shop, SECOND, ON_TRIGGER), page=shop / "page.html").iloc[0]
    assert (row["compared"], (shop / "page.html").exists()) == (0, False)


def test_a_date_without_any_batch_has_nothing_to_score(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_date(shop, FIRST)
    monkeypatch.setattr(Rate, "rows_to_score", lambda *_given, **_named: iter(()))
    with pytest.raises(NothingToScore, match=f"no row to score on {SECOND}"):
        score(run_of(shop, SECOND))


def test_one_row_is_scored_without_a_warehouse() -> None:
    rows = TOY.score(2.5, pd.DataFrame({"customer_id": ["c9"]}), None)
    assert rows.to_dict("records") == [{"customer_id": "c9", "expected_orders": 2.5}]
