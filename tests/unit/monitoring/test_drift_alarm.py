"""An alarm needs a relevant and significant effect on most of the last dates: not season, not chance."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from assets.lifecycle.store.schemas import DRIFT_TYPES
from assets.metrics.drift.effects import FeatureDrift, effects_of
from assets.metrics.drift.reference import DriftReference, reference_of
from assets.metrics.drift.sample import DriftSample
from assets.monitoring.drift.alarm import DriftVerdict, judge_drift
from assets.monitoring.drift.step import drift_rows, history_of

FEATURES, CUSTOMERS, YEAR = 45, 800, 52
MONDAY = np.datetime64("2023-01-02")
COUNTRIES = np.array(["UK", "DE", "FR", "US", "NL"], dtype=object)


def effect(
    *, psi: float = 0.0, n: int = 5_000, feature: str = "spend", band: float = 0.0, moved: float = 0.0
) -> FeatureDrift:
    return FeatureDrift(
        slice_name="all",
        slice_value="all",
        feature=feature,
        kind="numeric",
        n=n,
        n_reference=50_000,
        customers=float(n),
        reference_customers=5_000.0,
        bins=16,
        psi=psi,
        psi_noise=15 * (1 / n + 1 / 5_000),
        psi_band=band,
        js=0.1,
        js_noise=0.01,
        wasserstein=moved,
        wasserstein_noise=float(np.sqrt(1 / n + 1 / 5_000)),
        wasserstein_band=band,
        missing_delta=0.0,
        unseen_share=0.0,
    )


def verdict(*psi: float, **known: Any) -> DriftVerdict:
    """Verdict on the last of several as-of dates of one feature."""
    return judge_drift([(effect(psi=each, **known),) for each in psi])[0]


def test_one_date_beyond_the_threshold_is_watched_and_two_of_three_are_drift() -> None:
    assert [verdict(*psi).verdict for psi in ([0.5], [0.5, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5])] == [
        "watch",
        "stable",
        "drifted",
        "drifted",
    ]
    # The date before the last three no longer counts.
    found = verdict(0.5, 0.5, 0.0, 0.0)
    assert (found.verdict, found.windows_violated, found.windows_judged) == ("stable", 1, 3)


def test_an_effect_below_the_threshold_is_watched_and_never_an_alarm() -> None:
    assert verdict(0.15, 0.15, 0.15).verdict == "watch"
    assert verdict(0.09, 0.09, 0.09).verdict == "stable"


def test_the_band_of_the_training_window_is_added_to_the_threshold() -> None:
    assert verdict(0.45, 0.45, band=0.4).verdict == "stable"
    assert verdict(0.75, 0.75, band=0.4).verdict == "drifted"


def test_a_small_slice_needs_a_larger_effect() -> None:
    # 150 customers: noise 15 * (1/150 + 1/5000) = 0.10, and a sampling error of about 0.08 on top.
    assert verdict(0.35, 0.35).verdict == "drifted"
    assert verdict(0.35, 0.35, n=150).verdict == "watch"
    assert verdict(0.90, 0.90, n=150).verdict == "drifted"
    too_few = verdict(9.0, 9.0, n=99)
    assert (too_few.verdict, too_few.windows_judged, too_few.p_value) == ("stable", 0, 1.0)


def test_a_distance_alone_is_enough() -> None:
    assert verdict(0.05, 0.05, moved=3.0).verdict == "drifted"
    assert verdict(0.05, 0.05, moved=0.4).verdict == "stable"


def test_among_many_columns_one_near_the_threshold_is_chance_and_a_third_of_them_is_not() -> None:
    def as_of_dates(near: int) -> list[tuple[FeatureDrift, ...]]:
        moved = [effect(psi=0.28, n=2_000, feature=f"near_{i}") for i in range(near)]
        calm = [effect(psi=0.02, n=2_000, feature=f"calm_{i}") for i in range(400 - near)]
        return [(*moved, *calm)] * 2

    alone = judge_drift([(effect(psi=0.28, n=2_000),)] * 2)[0]
    assert alone.p_value < 0.05
    assert alone.verdict == "drifted"
    assert judge_drift(as_of_dates(1))[0].verdict == "watch"
    verdicts = [each.verdict for each in judge_drift(as_of_dates(150))]
    assert verdicts.count("drifted") == 150


def test_the_table_restores_the_history() -> None:
    nothing = replace(effect(feature="country", psi=0.3), wasserstein=float("nan"))
    history = [(effect(psi=0.5), nothing)] * 2
    judged = judge_drift(history)
    rows = pd.concat(
        drift_rows(judged, model_name="purchase_propensity", model_version="v1", as_of=as_of)
        for as_of in (date(2024, 1, 8), date(2024, 1, 1))
    )
    assert list(rows.columns) == list(DRIFT_TYPES)
    assert rows["verdict"].tolist() == ["drifted", "drifted"] * 2
    assert rows["windows_judged"].tolist() == [2] * 4
    with duckdb.connect(config={"temp_directory": ""}) as warehouse:
        kept = warehouse.register("rows", rows).table("rows").df()
    assert repr(history_of(kept)) == repr(history)


# A shop: a constant preference per customer, a season per feature, random noise per week.
PREFERENCE = np.random.default_rng(1).normal(size=(CUSTOMERS, FEATURES))
SWING = np.random.default_rng(2).uniform(0, 0.8, FEATURES)
PHASE = np.random.default_rng(3).uniform(0, 2 * np.pi, FEATURES)
HOME = np.random.default_rng(4).choice(COUNTRIES, CUSTOMERS, p=[0.45, 0.2, 0.15, 0.1, 0.1])


def week(number: int, preference: np.ndarray = PREFERENCE) -> pd.DataFrame:
    """Rows of one Monday: a third counts with many zeros, a third amounts with holes, a third days."""
    rng = np.random.default_rng(1_000 + number)
    level = 0.8 * preference + 0.6 * rng.normal(size=preference.shape)
    level = level + SWING * np.sin(2 * np.pi * number / YEAR + PHASE) + rng.normal(0, 0.1, FEATURES)
    made: dict[str, object] = {"country": HOME}
    for place in range(FEATURES - 1):
        column = level[:, place]
        match place % 3:
            case 0:
                made[f"orders_{place}"] = rng.poisson(np.exp(column - 1)).astype(float)
            case 1:
                made[f"amount_{place}"] = np.where(rng.random(CUSTOMERS) < 0.3, np.nan, np.exp(3 + column))
            case _:
                made[f"days_{place}"] = np.floor(np.exp(4 + column / 2))
    return pd.DataFrame(made)


def observed(weeks: list[pd.DataFrame], *, first: int) -> DriftSample:
    features = pd.concat(weeks, ignore_index=True)
    return DriftSample(
        features=features,
        score=1 / (1 + np.exp(2 - 0.02 * features["days_2"].to_numpy(float))),
        customers=np.tile(np.arange(CUSTOMERS), len(weeks)),
        as_of=np.repeat(MONDAY + 7 * np.arange(first, first + len(weeks)), CUSTOMERS),
        slices={},
    )


@cache
def reference(weeks: int = YEAR) -> DriftReference:
    return reference_of(observed([week(number) for number in range(weeks)], first=0))


def judged_week(
    number: int, change: Callable[[pd.DataFrame], pd.DataFrame] = pd.DataFrame.copy
) -> tuple[FeatureDrift, ...]:
    return effects_of(observed([change(week(number))], first=number), reference())


def test_a_seasonal_but_stable_year_has_at_most_one_alarm() -> None:
    history = [judged_week(YEAR + number) for number in range(YEAR)]
    alarms = [
        any(each.verdict == "drifted" for each in judge_drift(history[: end + 1])) for end in range(YEAR)
    ]
    # An alarm over several weeks counts once.
    assert int(np.sum(np.diff([False, *alarms]) & np.array(alarms))) <= 1


def new_customers(rows: pd.DataFrame) -> pd.DataFrame:
    """Three customers in ten are replaced by others, who buy more of everything."""
    others = week(70, np.random.default_rng(8).normal(2.0, 1.0, PREFERENCE.shape))
    is_new = np.random.default_rng(9).random(CUSTOMERS) < 0.3
    return pd.concat([rows[~is_new], others[is_new]])


def in_pence(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda rows: rows.assign(**{column: rows[column] * 100})


def lost(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(days_2=np.nan)


def swapped(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(country=rows["country"].map({"UK": "DE", "DE": "UK"}).fillna(rows["country"]))


@pytest.mark.parametrize(
    ("change", "drifted"),
    [
        # Some of the columns without a season; the others may have been as far away at Christmas.
        (new_customers, {"amount_7", "amount_28", "amount_19"}),
        (in_pence("amount_4"), {"amount_4"}),
        (in_pence("orders_3"), {"orders_3"}),
        (lost, {"days_2"}),
        (swapped, {"country"}),
    ],
    ids=["new customers", "amount in pence", "count times 100", "lost column", "swapped categories"],
)
def test_a_real_shift_is_an_alarm_on_its_second_date(
    change: Callable[[pd.DataFrame], pd.DataFrame], drifted: set[str]
) -> None:
    calm, first, second = (
        judged_week(YEAR),
        judged_week(YEAR + 1, change),
        judged_week(YEAR + 2, change),
    )
    assert not alarmed([calm, first])
    assert drifted <= alarmed([calm, first, second])


def alarmed(history: list[tuple[FeatureDrift, ...]]) -> set[str]:
    return {
        each.effect.feature
        for each in judge_drift(history)
        if each.verdict == "drifted" and each.effect.slice_name == "all"
    }
