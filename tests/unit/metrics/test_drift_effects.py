"""The stored reference, and the drift of an as-of date against it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assets.metrics.drift.effects import FeatureDrift, effects_of
from assets.metrics.drift.reference import DriftReference, reference_of
from assets.metrics.drift.sample import DriftSample, slices_of

FIRST = np.datetime64("2024-01-01")


def sample(customers: int = 400, *, weeks: int = 4, seed: int = 0, shift: float = 0.0) -> DriftSample:
    """The same customers every week, with a new spend and the same country."""
    rng = np.random.default_rng(seed)
    country = np.where(np.arange(customers) % 4 == 0, "DE", "UK").astype(object)
    rows = customers * weeks
    return DriftSample(
        features=pd.DataFrame(
            {
                "spend": rng.lognormal(3 + shift, 1, rows),
                "orders": rng.poisson(0.4, rows).astype(float),
                "gap_days": np.where(rng.random(rows) < 0.3, np.nan, rng.exponential(30, rows)),
                "country": pd.Categorical(np.tile(country, weeks)),
            }
        ),
        score=rng.beta(1, 5, rows),
        customers=np.tile(np.arange(customers), weeks),
        as_of=np.repeat(FIRST + 7 * np.arange(weeks), customers),
        slices={"country": np.tile(country, weeks)},
    )


def one(found: tuple[FeatureDrift, ...], feature: str, *, value: str = "all") -> FeatureDrift:
    (effect,) = [each for each in found if each.feature == feature and each.slice_value == value]
    return effect


def changed(observed: DriftSample, **columns: Any) -> DriftSample:
    return replace(observed, features=observed.features.assign(**columns))


def test_a_reference_survives_json_exactly() -> None:
    observed = changed(sample(), never=np.nan, always=7.0, flag=True)
    reference = reference_of(observed)
    assert DriftReference.from_json(reference.to_json()) == reference
    assert reference.n_rows == 1_600
    assert reference.n_customers == 400
    assert reference.as_of_dates == ("2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22")
    # Four columns and a score in three slices take some 25 kB, not a copy of the rows.
    assert len(reference.to_json()) < 40_000


def test_a_reference_of_another_version_is_refused() -> None:
    text = json.dumps(json.loads(reference_of(sample()).to_json()) | {"version": 0})
    with pytest.raises(ValueError, match="version 0"):
        DriftReference.from_json(text)


def test_weekly_rows_count_as_their_customers() -> None:
    # Kish: 400 customers with four rows each: 1600^2 / (400 * 16) = 400; the quarter in DE: 100.
    assert [each.customers for each in slices_of(sample())] == [400, 100, 300]
    # Unequal: one with 3 rows and one with 1: 16 / 10.
    uneven = replace(sample(4, weeks=1), customers=np.array(["a", "a", "a", "b"], dtype=object), slices={})
    assert slices_of(uneven)[0].customers == pytest.approx(1.6)


def test_the_same_rows_have_no_drift() -> None:
    observed = sample()
    for effect in effects_of(observed, reference_of(observed)):
        assert effect.psi == 0
        assert effect.js == pytest.approx(0, abs=1e-7)
        assert effect.missing_delta == effect.unseen_share == 0


def test_another_week_of_the_same_shop_drifts_by_about_the_sampling_error() -> None:
    found = effects_of(sample(weeks=1, seed=9), reference_of(sample()))
    spend = one(found, "spend")
    # Fifteen degrees of freedom times (1/400 + 1/400).
    assert spend.psi_noise == pytest.approx(0.075)
    assert spend.psi < 0.12
    assert spend.wasserstein < 3 * spend.wasserstein_noise
    # A slice of 100 has four times the noise.
    assert one(found, "spend", value="DE").psi_noise == pytest.approx(0.3)


def test_single_precision_frames_give_the_same_effects() -> None:
    reference, today = reference_of(sample()), sample(weeks=1, seed=9, shift=0.3)
    single = changed(today, **{name: today.features[name].astype("float32") for name in ("spend", "orders")})
    assert effects_of(single, reference) == effects_of(today, reference)


def test_a_unit_change_shows_in_every_metric() -> None:
    today = sample(weeks=1, seed=9)
    effect = one(
        effects_of(changed(today, spend=today.features["spend"] * 100), reference_of(sample())), "spend"
    )
    assert effect.psi > 3
    # Mean 33 becomes 3,300; the standard deviation of the reference is about 43.
    assert effect.wasserstein > 50
    assert effect.unseen_share > 0.5


def test_a_lost_column_is_missing_everywhere() -> None:
    found = effects_of(changed(sample(weeks=1), gap_days=np.nan), reference_of(sample()))
    for value in ("all", "DE", "UK"):
        effect = one(found, "gap_days", value=value)
        assert effect.missing_delta == pytest.approx(0.7, abs=0.05)
        # .7 ln(1 / .3) + .7 ln(.044 / .001): the missing bin, and sixteen bins that were emptied.
        assert effect.psi == pytest.approx(3.5, abs=0.3)
        assert np.isnan(effect.wasserstein)


def test_swapped_categories_change_the_category_of_half_the_customers() -> None:
    today = sample(weeks=1)
    swapped = today.features["country"].astype(str).map({"DE": "UK", "UK": "DE"})
    effect = one(effects_of(changed(today, country=swapped), reference_of(sample())), "country")
    # A quarter and three quarters: 2 * .5 * ln 3 and |.75 - .25|.
    assert effect.psi == pytest.approx(np.log(3))
    assert effect.wasserstein == pytest.approx(0.5)
    assert effect.unseen_share == 0


def test_an_unseen_category_is_counted() -> None:
    today = sample(weeks=1)
    country = today.features["country"].astype(str).to_numpy(dtype=object)
    country[:40] = "FR"
    effect = one(effects_of(changed(today, country=country), reference_of(sample())), "country")
    assert effect.unseen_share == pytest.approx(0.1)
    assert effect.psi > 0.4


def test_a_training_week_unlike_the_others_widens_the_band() -> None:
    calm = sample(weeks=6)
    is_christmas = calm.as_of == FIRST + 35
    spend = np.where(is_christmas, calm.features["spend"] * 3, calm.features["spend"])
    bands = {
        name: (reference_slice.psi_band, reference_slice.wasserstein_band)
        for name, observed in {"calm": calm, "christmas": changed(calm, spend=spend)}.items()
        for reference_slice in reference_of(observed).features[0].slices
        if reference_slice.slice_value == "all"
    }
    assert bands["calm"][0] < 0.02
    # Three times a log-normal of spread 1: shifted by ln 3 = 1.1, an index of about 1.1² = 1.2.
    assert bands["christmas"][0] > 0.8
    assert bands["christmas"][1] > 0.5 > 10 * bands["calm"][1]


def test_a_band_is_the_distance_to_the_other_dates_and_not_to_the_whole() -> None:
    two = sample(400, weeks=2)
    apart = changed(two, spend=np.where(two.as_of == FIRST, 0.0, 2.0))
    # Two apart, in standard deviations of 1; chance explains 0.97 * sqrt(1/400 + 1/400) = 0.07 of it.
    assert reference_of(apart).features[0].slices[0].wasserstein_band == pytest.approx(1.93, abs=0.01)


def test_one_as_of_date_has_no_band() -> None:
    for feature in reference_of(sample(weeks=1)).features:
        assert {(each.psi_band, each.wasserstein_band) for each in feature.slices} == {(0.0, 0.0)}


def test_rows_without_a_score_are_left_out_of_the_score_only() -> None:
    today = sample(weeks=1)
    score = np.where(np.arange(400) < 100, np.nan, 0.2)
    found = effects_of(replace(today, score=score), reference_of(sample()))
    assert one(found, "score").n == 300
    assert one(found, "score").missing_delta == 0
    assert one(found, "spend").n == 400
    without_score = one(
        effects_of(replace(today, score=np.full(400, np.nan)), reference_of(sample())), "score"
    )
    assert without_score.n == 0
    assert np.isnan(without_score.psi)


def test_a_constant_column_that_changes_has_an_index_and_no_distance() -> None:
    reference = reference_of(changed(sample(), fee=4.0))
    effect = one(effects_of(changed(sample(weeks=1), fee=5.0), reference), "fee")
    assert effect.psi > 10
    assert np.isnan(effect.wasserstein)
    assert effect.unseen_share == 1


def test_samples_that_cannot_be_compared_are_refused() -> None:
    today, reference = sample(weeks=1), reference_of(sample())
    with pytest.raises(KeyError, match="spend"):
        effects_of(replace(today, features=today.features.drop(columns="spend")), reference)
    with pytest.raises(KeyError, match="score"):
        effects_of(replace(today, score=None), reference)
    no_rows = replace(
        today,
        features=today.features.iloc[:0],
        score=None,
        customers=today.customers[:0],
        as_of=today.as_of[:0],
        slices={},
    )
    with pytest.raises(ValueError, match="at least one row"):
        reference_of(no_rows)
    with pytest.raises(ValueError, match="at least one row"):
        effects_of(no_rows, reference)
