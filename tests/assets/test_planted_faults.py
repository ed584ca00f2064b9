"""The gate refuses each injected fault with a reason: the champion and its scores stay."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from assets.features.matrix import LeakDetected, Matrix
from assets.keys import METRICS
from assets.metrics.arrays import Floats
from assets.supervised.evaluation import walk_forward
from assets.supervised.evaluation.published import Published, published_probability
from assets.supervised.fitting.task import Binary
from assets.supervised.fitting.train import Fitted
from assets.supervised.problem import PredictionProblem
from tests.assets.faults import FAULTS
from tests.assets.judged import failed, is_detected
from tests.assets.world import CUSTOMERS, FIRST, LATER, PROBLEM, SPEC, WEEKS, World, checks_of, create
from tests.unit.supervised.world import shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Binary):
    """A task whose estimators predict the same probability for every customer."""

    def estimator(self, *, numeric: tuple[str, ...], categorical: tuple[str, ...], seed: int) -> Pipeline:
        whole = Binary.estimator(self, numeric=numeric, categorical=categorical, seed=seed)
        return Pipeline([*whole.steps[:-1], ("boosting", DummyClassifier(strategy="prior"))])

    def spline_estimator(self, *, numeric: tuple[str, ...], categorical: tuple[str, ...]) -> Pipeline:
        whole = Binary.spline_estimator(self, numeric=numeric, categorical=categorical)
        return Pipeline([*whole.steps[:-1], ("logistic", DummyClassifier(strategy="prior"))])


def stopped(world: World, name: str, *, problem: PredictionProblem = PROBLEM) -> None:
    """Run the later date: a check has the reason, the champion stays and its scores are unchanged."""
    fault = FAULTS[name]
    before, champion = world.scored(FIRST), world.scored(FIRST)["model_version"].iloc[0]
    serves = world.run_date(LATER, problem)
    assert serves.model_version == champion
    decision = world.newest_decision()
    assert (decision["decision"], decision["champion"]) == ("refuse", champion)
    assert fault.message in str(decision["reasons"])
    found = failed(checks_of(problem), world.warehouse, as_of=LATER, of=[SPEC.evaluation])
    assert is_detected(fault, found, as_of_dates=0)
    assert [version for version, stage in world.stages().items() if stage == "champion"] == [champion]
    pd.testing.assert_frame_equal(world.scored(FIRST), before)
    assert set(world.scored(LATER)["model_version"]) == {champion}


def test_a_feature_that_copies_the_outcome_is_stopped_by_name(world: World) -> None:
    rows = shop(customers=CUSTOMERS, weeks=WEEKS)
    world.write(rows.assign(noise=rows["outcome"].astype(float)))
    stopped(world, "a feature copies the outcome")


def test_a_fact_from_the_future_stops_the_run_before_anything_is_written(world: World) -> None:
    rows = shop(customers=CUSTOMERS, weeks=WEEKS)
    late = rows["as_of_date"].dt.date == LATER
    world.write(rows.assign(newest_known_at=rows["newest_known_at"].mask(late, rows["as_of_at"])))
    before = world.tables()
    with pytest.raises(LeakDetected, match=f"{CUSTOMERS} of .* rows use facts not yet known"):
        world.run_date(LATER)
    # Realised performance comes first and needs no features of this as-of date.
    before.pop(SPEC.realised.name)
    tables = world.tables()
    for name in before:
        pd.testing.assert_frame_equal(tables[name], before[name], obj=name)


def test_a_constant_model_is_stopped(world: World) -> None:
    constant = replace(PROBLEM, task=Constant(boosting=PROBLEM.task.boosting))
    stopped(world, "a model predicts the same probability for every customer", problem=constant)


def test_a_baseline_that_is_not_surely_beaten_serves_with_a_grade_of_its_own(
    tmp_path: Path,
) -> None:
    constant = Constant(boosting=PROBLEM.task.boosting)
    simple = replace(PROBLEM, task=constant, linear=("days_since_order", "orders_365d"))
    world = create(tmp_path)
    serves = world.run_date(LATER, simple)
    assert not serves.is_fallback
    decision = world.newest_decision()
    assert decision["decision"] == "promote"
    assert "the candidate is the logistic regression" in decision["reasons"]
    scored = world.scored(LATER)
    assert set(scored["status"]) == {"ok"}
    assert set(scored["quality_grade"]) <= {"Good", "Fair"}
    metrics = world.table(METRICS)
    metrics = metrics.loc[(metrics["model_version"] == serves.model_version) & (metrics["split"] == "test")]
    auc = metrics.loc[metrics["slice_name"] == "all"].set_index("metric")["value"]
    # The blend of constants is recorded beside it; only the dates' shifts rank its rows.
    assert auc["auc"] > auc["baseline_auc"] > auc["blend_auc"]
    assert auc["blend_auc"] == pytest.approx(0.5, abs=0.03)
    card = world.folder / "models" / PROBLEM.name / serves.model_version / "card.md"
    assert "| metric | this version | baseline: recency | blend | difference to recency |" in card.read_text()


def test_the_probability_of_the_predicted_class_is_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = published_probability

    def of_predicted_class(fitted: Fitted, judged: Matrix, **known: object) -> Published:
        found = original(fitted, judged, **known)  # type: ignore[arg-type]
        return replace(found, probability=np.maximum(found.probability, 1 - found.probability))

    monkeypatch.setattr(walk_forward, "published_probability", of_predicted_class)
    stopped(world, "a model outputs the probability of the predicted class")


def test_the_wrong_class_before_the_prior_shift_is_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The prior shift would move the mean of such scores back to the realised rate.
    original = Fitted.probability

    def of_predicted_class(fitted: Fitted, features: pd.DataFrame) -> Floats:
        predicted = original(fitted, features)
        return np.maximum(predicted, 1 - predicted)

    monkeypatch.setattr(Fitted, "probability", of_predicted_class)
    stopped(world, "scoring takes the wrong class before the prior shift is applied")


def test_a_swapped_label_is_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    original = walk_forward.fit_calibrated

    def swapped(problem: PredictionProblem, known: Matrix, **chosen: Any) -> dict[str, Fitted]:
        return original(problem, replace(known, outcome=1 - known.outcome), **chosen)

    monkeypatch.setattr(walk_forward, "fit_calibrated", swapped)
    stopped(world, "a model learned from swapped labels")


def test_labels_flipped_in_the_newest_weeks_are_stopped_from_one_in_ten_on(world: World) -> None:
    # The nine weeks before the later date: four have no outcome yet, five are the test fold.
    rows = shop(customers=CUSTOMERS, weeks=WEEKS)
    is_new = rows["as_of_date"] >= pd.Timestamp(LATER - timedelta(weeks=9))
    is_flipped = is_new & (np.random.default_rng(1).random(len(rows)) < 0.1)
    world.write(rows.assign(outcome=rows["outcome"].mask(is_flipped, 1 - rows["outcome"])))
    stopped(world, "one label in 10 of the newest weeks is flipped")
