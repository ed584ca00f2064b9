"""A chance times an amount, learned from features, rescaled on later days."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.exceptions import NotFittedError

from assets.lifecycle.capability import InsufficientData
from assets.lifetime_value.models.two_part import TwoPartAmounts
from assets.lifetime_value.spec import MODEL_TYPES
from assets.metrics.amounts import coverage, transform_coverage, wape
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import ClusterBootstrap


def rows(n: int, *, seed: int, level: float = 1.0) -> tuple[pd.DataFrame, Floats]:
    """The chance to buy is 1.3 ``warmth``, at most 0.98; amounts are Gamma(2) around 20, or 60 abroad."""
    rng = np.random.default_rng(seed)
    warmth, place = rng.random(n), rng.choice(["home", "abroad"], n)
    amount = rng.gamma(2.0, np.where(place == "home", 10.0, 30.0)) * level
    spent = np.where(rng.random(n) < np.minimum(1.3 * warmth, 0.98), amount, 0.0)
    missing = np.where(rng.random(n) < 0.1, np.nan, rng.random(n))
    return pd.DataFrame({"warmth": warmth, "noise": missing, "place": place}), spent


def model(loss: str = "gamma") -> TwoPartAmounts:
    return TwoPartAmounts(
        numeric=("warmth", "noise"),
        categorical=("place",),
        loss=loss,  # type: ignore[arg-type]
        max_iter=100,
        min_samples_leaf=80,
    )


@pytest.fixture(scope="module", params=["gamma", "squared_log"])
def fitted(request: pytest.FixtureRequest) -> TwoPartAmounts:
    return model(request.param).fit(*rows(3_000, seed=0)).calibrate(*rows(3_000, seed=1))


def test_it_learns_who_buys_and_how_much(fitted: TwoPartAmounts) -> None:
    frame = pd.DataFrame({"warmth": [0.9, 0.9, 0.1], "noise": 0.5, "place": ["home", "abroad", "abroad"]})
    # 0.98 * 20, 0.98 * 60 and 0.13 * 60; the trees are held back, the more so at the edge.
    assert fitted.expected_revenue(frame)[:2] == pytest.approx([19.6, 58.8], rel=0.2)
    assert fitted.expected_revenue(frame)[2] == pytest.approx(7.8, rel=0.5)


def test_the_later_total_is_right_and_the_next_one_too(fitted: TwoPartAmounts) -> None:
    later, spent = rows(3_000, seed=1)
    assert fitted.expected_revenue(later).sum() == pytest.approx(spent.sum())
    newest, outcome = rows(6_000, seed=2)
    # A row scatters by about 35, so 6,000 by 2,700 of some 145,000.
    assert fitted.expected_revenue(newest).sum() == pytest.approx(outcome.sum(), rel=0.06)
    constant = np.full(outcome.size, outcome.mean())
    assert wape(outcome, fitted.expected_revenue(newest)) < 0.85 * wape(outcome, constant)


def test_a_new_price_level_is_fitted_on_later_days() -> None:
    raised = model().fit(*rows(3_000, seed=0)).calibrate(*rows(3_000, seed=1, level=1.5))
    assert raised.factor_ == pytest.approx(1.5, rel=0.08)


def test_returns_lower_the_total(fitted: TwoPartAmounts) -> None:
    later, spent = rows(3_000, seed=1)
    returned = spent.copy()
    returned[np.flatnonzero(spent == 0)[:100]] = -30.0
    lowered = model(fitted.loss).fit(*rows(3_000, seed=0)).calibrate(later, returned)
    assert lowered.expected_revenue(later).sum() == pytest.approx(spent.sum() - 3_000)


def test_the_intervals_hold_four_in_five(fitted: TwoPartAmounts) -> None:
    newest, outcome = rows(6_000, seed=2)
    resamples = ClusterBootstrap.by_customer(
        np.arange(outcome.size), replicates=50, rng=np.random.default_rng(0)
    )
    lo, hi = fitted.revenue_interval(newest)
    some = hi > 0
    assert coverage(outcome[some], lo[some], hi[some], resamples.of(some)).value == pytest.approx(
        0.8, abs=0.03
    )
    assert (lo[newest["warmth"] < 0.5] == 0).all()
    assert (lo[newest["warmth"] > 0.9] > 0).mean() > 0.9
    above = fitted.chance_above(newest, outcome)
    below = np.where(outcome > 0, 1 - above, 0.0)
    held = transform_coverage(below, 1 - above, resamples, level=0.8)
    assert held.value == pytest.approx(0.8, abs=0.03)


def test_ends_and_chances_agree(fitted: TwoPartAmounts) -> None:
    newest, _ = rows(500, seed=3)
    _, hi = fitted.revenue_interval(newest)
    open_ended = (hi > 0) & (newest["warmth"].to_numpy() < 0.5)
    # From 0 on, a fifth lies above the upper end.
    assert fitted.chance_above(newest, hi)[open_ended] == pytest.approx(0.2, abs=1e-6)


def test_without_later_days_there_is_no_answer() -> None:
    raw = model().fit(*rows(1_000, seed=0))
    with pytest.raises(NotFittedError):
        raw.expected_revenue(rows(5, seed=1)[0])


def test_too_few_buyers_are_refused_in_either_fold() -> None:
    frame, spent = rows(1_000, seed=0)
    rare = np.where(np.arange(1_000) < 99, 5.0, 0.0)
    with pytest.raises(InsufficientData, match="99 rows with a purchase in training, 100 needed"):
        model().fit(frame, rare)
    with pytest.raises(InsufficientData, match="99 rows with a purchase in calibration, 100 needed"):
        model().fit(frame, spent).calibrate(frame, rare)


def test_everybody_buying_is_refused() -> None:
    frame, spent = rows(1_000, seed=0)
    with pytest.raises(InsufficientData, match="0 rows without a purchase"):
        model().fit(frame, spent + 1)


def test_a_missing_amount_is_refused() -> None:
    frame, spent = rows(1_000, seed=0)
    spent[3] = np.nan
    with pytest.raises(ValueError, match="1 of 1000 amounts"):
        model().fit(frame, spent)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="'poisson'"):
        model("poisson").fit(*rows(500, seed=0))


def test_a_stored_model_predicts_the_same(fitted: TwoPartAmounts, tmp_path: Path) -> None:
    file = tmp_path / "model.skops"
    skops.io.dump(fitted, file)
    assert set(skops.io.get_untrusted_types(file=file)) <= set(MODEL_TYPES)
    frame, _ = rows(50, seed=4)
    loaded = skops.io.load(file, trusted=list(MODEL_TYPES))
    assert loaded.expected_revenue(frame).tolist() == fitted.expected_revenue(frame).tolist()
