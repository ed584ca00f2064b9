"""Fitting recovers a known truth, and refuses too little data with the counts."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from assets.features.groups import FeatureGroup
from assets.features.matrix import LeakDetected, Matrix
from assets.lifecycle.capability import InsufficientData
from assets.metrics.arrays import Floats
from assets.metrics.classification import auc, intercept_shift
from assets.supervised.fitting.baseline import RecencyBands
from assets.supervised.fitting.calibrate import calibration_method
from assets.supervised.fitting.rankers import BLEND, RANKERS, fit_members, usable_features
from assets.supervised.fitting.train import (
    fit_baseline,
    fit_candidate,
    fit_rankers,
    reference_row,
    refitted,
)
from assets.supervised.problem import MinimumData
from assets.supervised.scoring.reason_codes import reason_codes
from tests.unit.supervised.conftest import Trained, train
from tests.unit.supervised.world import PROBLEM


def test_probabilities_recover_the_truth_they_were_drawn_from(trained: Trained, predicted: Floats) -> None:
    truth = trained.rows["truth"].to_numpy()[np.isin(trained.rows["as_of_date"], trained.test.as_of)]
    assert np.corrcoef(predicted, truth)[0, 1] > 0.93


def test_a_refusal_for_too_little_data_counts_what_is_missing(trained: Trained) -> None:
    demanding = replace(PROBLEM, minimum_data=MinimumData(customers=5_000, positives=100))
    with pytest.raises(InsufficientData, match=r"1000 customers in training, 5000 needed$"):
        fit_candidate(demanding, trained.train, calibration=trained.calibration)
    opposite = replace(trained.train, outcome=np.ones(len(trained.train)))
    with pytest.raises(InsufficientData, match=r": 0 negatives in training, 100 needed$"):
        fit_candidate(PROBLEM, opposite, calibration=trained.calibration)
    few = trained.train.of(np.arange(len(trained.train)) < 40)
    linear = replace(PROBLEM, linear=("days_since_order", "orders_365d"))
    with pytest.raises(InsufficientData, match=r"40 customers in training, 500 needed"):
        fit_rankers(linear, few, calibration=trained.calibration)
    with pytest.raises(InsufficientData, match=r"40 customers in training, 500 needed; \d+ positives"):
        fit_candidate(PROBLEM, few, calibration=trained.calibration)


@pytest.mark.parametrize(("customers", "fitted"), [(200, ["logistic"]), (600, ["blend", "logistic"])])
def test_of_few_customers_only_the_logistic_regression_is_fitted_and_is_calibrated(
    trained: Trained, customers: int, fitted: list[str]
) -> None:
    linear = replace(PROBLEM, linear=("days_since_order", "orders_365d"))
    kept = set(np.unique(trained.train.entities)[:customers])
    small = [fold.of(np.isin(fold.entities, list(kept))) for fold in (trained.train, trained.calibration)]
    found = fit_rankers(linear, small[0], calibration=small[1])
    assert [*found] == fitted
    probability = found["logistic"].probability(trained.test.features)
    assert 0.6 < probability.mean() / trained.test.outcome.mean() < 1.6
    truth = trained.rows["truth"].to_numpy()[np.isin(trained.rows["as_of_date"], trained.test.as_of)]
    rate = fit_baseline(linear, small[0]).probability(trained.test.features)
    # Frequency, which the rate by recency does not see, decides most.
    assert np.corrcoef(probability, truth)[0, 1] > np.corrcoef(rate, truth)[0, 1] + 0.1


def test_a_planted_leak_never_reaches_the_fit(trained: Trained) -> None:
    with pytest.raises(LeakDetected, match="feature 'noise' alone separates the outcome"):
        train(trained.rows.assign(noise=trained.rows["outcome"] * 2.0))


def fit_members_step_by_step(known: Matrix) -> tuple[Pipeline, Pipeline]:
    """Boosting and splines: a pilot model gives each date's common shift, and positives weigh exp(-shift)."""
    task = PROBLEM.task
    columns = {"numeric": PROBLEM.numeric, "categorical": PROBLEM.categorical}
    outcome = known.outcome.astype("int64")
    pilot_estimator = task.pilot_estimator(**columns, seed=PROBLEM.seed).fit(known.features, outcome)
    weight = np.ones(len(known))
    for day in np.unique(known.as_of):
        here = known.as_of == day
        expected = pilot_estimator.predict_proba(known.features[here])[:, 1]
        shift = intercept_shift(expected, known.outcome[here].mean())
        weight[here & (known.outcome == 1)] = np.exp(-shift)
    boosting = task.estimator(**columns, seed=PROBLEM.seed).fit(
        known.features, outcome, quantiles__sample_weight=weight, boosting__sample_weight=weight
    )
    splines = task.spline_estimator(**columns).fit(known.features, outcome, logistic__sample_weight=weight)
    return boosting, splines


def test_a_refit_learns_from_every_row_and_keeps_weights_and_calibrator(trained: Trained) -> None:
    known = trained.train.of(np.arange(len(trained.train)) % 2 == 0)
    before = trained.candidate.probability(trained.test.features)
    members = fit_members(PROBLEM, known, names=RANKERS[BLEND])
    serving = refitted({BLEND: trained.candidate}, members, known=known)[BLEND]
    fresh = fit_members_step_by_step(known)
    weights = trained.candidate.ranker.weights
    ours, theirs = (
        each.model.calibrated_classifiers_[0].calibrators[0] for each in (serving, trained.candidate)
    )
    assert (ours.a_, ours.b_) == (theirs.a_, theirs.b_)
    # What is published is the score of a ranker fitted on every row, through the old calibrator.
    raw = sum(
        weights[name] * member.decision_function(trained.test.features)
        for name, member in zip(("boosting", "splines"), fresh, strict=True)
    )
    # Two solvers of the same shift agree to about 1e-6, which may move a split here and there.
    np.testing.assert_allclose(serving.probability(trained.test.features), ours.predict(raw), atol=5e-3)
    np.testing.assert_array_equal(trained.candidate.probability(trained.test.features), before)


def test_the_fallback_has_nothing_to_refit(trained: Trained) -> None:
    with pytest.raises(ValueError, match="no ranker to refit"):
        refitted({BLEND: trained.baseline}, {}, known=trained.train)


def test_few_positives_are_calibrated_by_two_parameters_and_many_by_steps() -> None:
    assert calibration_method(9_999, 50_000) == "sigmoid"
    assert calibration_method(10_000, 50_000) == "isotonic"
    assert calibration_method(50_000, 9_999) == "sigmoid"


def test_an_isotonic_step_of_zero_is_held_above_zero(trained: Trained) -> None:
    lowest = 0.5 / (len(trained.calibration) + 1)
    assert trained.candidate.lowest == lowest
    assert trained.candidate.probability(trained.test.features).min() >= lowest


def test_unseen_and_missing_categories_still_score(trained: Trained) -> None:
    strange = trained.test.features.head(3).assign(country=pd.Categorical(["Atlantis", "unknown", "France"]))
    assert np.isfinite(trained.candidate.probability(strange)).all()


def test_a_business_that_records_no_country_gets_a_model(trained: Trained) -> None:
    nowhere = train(trained.rows.assign(country=None))
    assert set(nowhere.train.features["country"]) == {"unknown"}
    assert np.isfinite(nowhere.candidate.probability(trained.test.features)).all()


def with_visits(fold: Matrix, visits: Any) -> Matrix:
    return replace(fold, features=fold.features.assign(visits_30d=visits))


WITH_VISITS = replace(
    PROBLEM,
    numeric=(*PROBLEM.numeric, "visits_30d"),
    reason_groups=(
        *PROBLEM.reason_groups,
        FeatureGroup(name="visits", columns=("visits_30d",), description="visits"),
    ),
)


def test_a_table_that_was_never_delivered_does_not_change_the_model(trained: Trained) -> None:
    folds = [with_visits(fold, np.nan) for fold in (trained.train, trained.calibration, trained.test)]
    assert usable_features(WITH_VISITS, folds[0].features) == PROBLEM.columns
    fitted = fit_candidate(WITH_VISITS, folds[0], calibration=folds[1])
    np.testing.assert_array_equal(
        fitted.probability(folds[2].features), trained.candidate.probability(trained.test.features)
    )
    reasons = reason_codes(fitted, folds[2].features, groups=WITH_VISITS.reason_groups)
    assert not (reasons.filter(like="_code") == "visits_30d").any().any()


def test_an_informative_table_is_used(trained: Trained) -> None:
    # The outcome with noise of its own size: an AUC of Phi(1 / sqrt(2)) = 0.76 by itself.
    rng = np.random.default_rng(5)
    folds = [
        with_visits(fold, fold.outcome + rng.normal(size=len(fold)))
        for fold in (trained.train, trained.calibration, trained.test)
    ]
    assert usable_features(WITH_VISITS, folds[0].features) == WITH_VISITS.columns
    fitted = fit_candidate(WITH_VISITS, folds[0], calibration=folds[1])
    better = auc(folds[2].outcome, fitted.probability(folds[2].features))
    assert better > auc(trained.test.outcome, trained.candidate.probability(trained.test.features)) + 0.05


def test_the_reference_row_is_the_median_and_the_most_frequent() -> None:
    frame = pd.DataFrame(
        {
            "orders": [1.0, 2.0, 9.0],
            "country": pd.Categorical(["France", "France", "Spain"]),
            "empty": [np.nan] * 3,
            "never_delivered": [0.0, 0.0, np.nan],
        }
    )
    expected = {"orders": 2.0, "country": "France", "empty": None, "never_delivered": None}
    assert reference_row(frame) == expected


def recency(*days: float) -> pd.DataFrame:
    return pd.DataFrame({"days_since_order": days})


def test_a_band_is_pulled_towards_the_overall_rate() -> None:
    # Overall (3 + 0.5) / (5 + 1) = 7/12. Band 0-7: 2 of 2 bought -> (2 + 20 x 7/12) / 22.
    baseline = RecencyBands().fit(recency(3, 7, 100, 100, 400), np.array([1, 1, 1, 0, 0]))
    predicted = baseline.predict_proba(recency(5, 100, 400, 60, np.nan))[:, 1]
    overall = 7 / 12
    assert predicted == pytest.approx(
        [(2 + 20 * overall) / 22, (1 + 20 * overall) / 22, (0 + 20 * overall) / 21, overall, overall]
    )


def test_bands_close_on_the_right() -> None:
    baseline = RecencyBands(prior_rows=1e-9).fit(recency(7, 8, 30, 31), np.array([1, 0, 0, 1]))
    assert baseline.predict_proba(recency(7, 8, 30, 31))[:, 1] == pytest.approx([1, 0, 0, 1], abs=1e-6)


def test_no_rows_give_no_rate() -> None:
    with pytest.raises(ValueError, match="no rows"):
        RecencyBands().fit(recency(), np.array([]))
