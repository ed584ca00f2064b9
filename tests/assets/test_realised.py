"""Published rows are compared with outcomes; a version whose rows do not match scores nothing more."""

import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from assets.keys import CALIBRATION_BINS, METRICS
from assets.lifecycle.realised import REALISED, WINDOW
from tests.assets.judged import results
from tests.assets.world import CUSTOMERS, FIRST, PROBLEM, SPEC, WEEKS, World, checks_of, create
from tests.unit.supervised.world import as_of_days, shop

# The window of week 25 has ended by week 31: 25 weeks and 30 days lie before it.
SCORED, MONITORED = FIRST - timedelta(weeks=2), as_of_days(WEEKS)[-1]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The shop whose first date was ``SCORED``; read it, and change a ``world``."""
    world = create(tmp_path_factory.mktemp("published"))
    world.run_date(SCORED)
    return world


@pytest.fixture
def world(published: World, tmp_path: Path) -> World:
    """A copy of ``published`` to go on with."""
    shutil.copytree(published.folder, tmp_path / "copy")
    return World(folder=tmp_path / "copy")


def tampered(world: World, probability: str) -> None:
    with world.warehouse.connect() as connection:
        connection.execute(f"update {PROBLEM.scores.sql} set probability = {probability}")


def standing(world: World) -> "dict[str, object]":
    rows = world.table(SPEC.realised)
    return dict(rows.loc[rows["as_of_date"].dt.date == MONITORED].iloc[0])


def test_published_scores_are_evaluated_date_by_date(world: World) -> None:
    world.run_date(MONITORED)
    metrics = world.table(METRICS)
    whole = metrics.loc[(metrics["split"] == REALISED) & (metrics["slice_name"] == "all")].set_index("metric")
    assert set(whole["as_of_date"].dt.date) == {SCORED}
    truth = shop(customers=CUSTOMERS, weeks=WEEKS)
    outcome = truth.loc[truth["as_of_date"].dt.date == SCORED, "outcome"]
    assert whole.loc["mean_observed", "value"] == pytest.approx(outcome.mean())
    predicted = world.scored(SCORED)["probability"].mean()
    assert whole.loc["mean_predicted", "value"] == pytest.approx(predicted)
    assert whole.loc["mean_predicted", "n"] == CUSTOMERS
    bins = world.table(CALIBRATION_BINS)
    deciles = bins.loc[(bins["split"] == REALISED) & (bins["slice_name"] == "all")]
    assert deciles["n"].sum() == CUSTOMERS


def test_honest_probabilities_match_outcomes_and_scoring_goes_on(world: World) -> None:
    world.run_date(MONITORED)
    assert standing(world)["n_days"] == 1
    assert standing(world)["defects"] is None
    assert len(world.scored(MONITORED)) == CUSTOMERS


def test_a_date_monitored_twice_is_the_same(world: World) -> None:
    world.run_date(MONITORED)
    before = world.tables()
    world.run_date(MONITORED)
    for name, rows in world.tables().items():
        assert rows.equals(before[name]), name


@pytest.mark.parametrize(
    ("probability", "why"),
    [
        ("greatest(probability, 1 - probability)", "probability of the predicted class"),
        ("1 - probability", "label is probably swapped"),
        ("probability / 100", "far from the rate"),
    ],
)
def test_a_table_that_holds_something_else_than_the_probability_withholds_the_next(
    world: World, probability: str, why: str
) -> None:
    tampered(world, probability)
    before = world.scored(SCORED)
    serves = world.run_date(MONITORED)
    assert serves.model_version == before["model_version"].iloc[0]
    assert why in str(standing(world)["defects"])
    assert world.scored(MONITORED).empty
    decision = world.newest_decision()
    assert (decision["decision"], decision["champion"]) == ("withhold", serves.model_version)
    assert why in str(decision["reasons"])
    assert world.scored(SCORED).equals(before)
    checks = results(checks_of(), world.warehouse, as_of=MONITORED, of=[SPEC.realised])
    result = checks["realised_calibration_is_within_tolerance"]
    assert not result.passed
    assert "launch retrain" in str(result.metadata["next_step"].value).lower()
    assert "data:image/png;base64," in str(result.metadata["reliability"].value)


def test_a_date_is_not_evaluated_before_its_window_has_ended(world: World) -> None:
    # Week 25 and 30 days lie after week 29.
    world.run_date(FIRST + timedelta(weeks=2))
    assert np.all(~world.table(METRICS)["split"].isin([REALISED, WINDOW]))
