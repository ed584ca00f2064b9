"""A slice that is surely off withholds its own rows, and the version only where it holds most of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from assets.features.groups import CategorySlice, NumericSlice, Slice
from assets.metrics.arrays import Floats
from assets.metrics.classification import with_shift
from assets.ports import Warehouse
from assets.supervised.evaluation.evaluation import SLICE_PERIOD_SD, RecordedMetrics
from assets.supervised.evaluation.gate import miscalibrated
from assets.supervised.evaluation.withheld_slices import mark_withheld, slices_off, withheld_slices
from tests.unit.supervised.conftest import Trained
from tests.unit.supervised.world import PROBLEM

CRITERIA = PROBLEM.criteria
SOUND, OFF = (0.0, -0.1, 0.1), (0.8, 0.7, 0.9)
NAMES = ["slice_name", "slice_value", "value", "ci_lo", "ci_hi", "n", "n_positive"]
Row = tuple[str, str, float, float, float, int, int]


def relative_shifts(*rows: Row, split: str = "test", as_of: str | None = None) -> pd.DataFrame:
    """Recorded gaps of slices beyond the overall shift."""
    found = pd.DataFrame(rows, columns=NAMES).assign(metric="relative_shift", split=split)
    return found.assign(as_of_date=pd.to_datetime(pd.Series([as_of] * len(found), dtype="object")))


def countries(home: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[Row, Row]:
    return ("country", "DE", *home, 5_000, 1_000), ("country", "other", *other, 1_000, 200)


def where(metrics: pd.DataFrame) -> list[str]:
    return [each.where for each in slices_off(metrics, criteria=CRITERIA)]


def test_one_slice_that_is_off_is_found_by_name_and_is_no_defect_of_the_version(
    trained: Trained, predicted: Floats
) -> None:
    abroad = (trained.test.features["country"] == "France").to_numpy()
    metrics = trained.evaluated(with_shift(predicted, np.where(abroad, 1.2, 0.0))).metrics
    (off,) = slices_off(metrics, criteria=CRITERIA)
    assert off.reason.startswith("country = other is off by -1.")
    assert list(miscalibrated(metrics, criteria=CRITERIA)) == []


@pytest.mark.parametrize(("rarer", "is_evaluated"), [(100, True), (99, False)])
@pytest.mark.parametrize("is_frequent", [False, True])
def test_a_slice_is_evaluated_by_its_rarer_outcome(
    evaluation: RecordedMetrics, rarer: int, is_evaluated: bool, is_frequent: bool
) -> None:
    metrics = evaluation.metrics.copy()
    abroad = metrics["slice_value"] == "other"
    metrics.loc[abroad, "n"] = 2_000
    metrics.loc[abroad, "n_positive"] = 2_000 - rarer if is_frequent else rarer
    metrics.loc[abroad & (metrics["metric"] == "relative_shift"), ["value", "ci_lo", "ci_hi"]] = [
        1.0,
        0.9,
        1.1,
    ]
    assert ("country = other" in where(metrics)) is is_evaluated


def test_slices_with_most_of_the_rows_are_a_defect_of_the_version() -> None:
    # 5,000 of 6,000 rows are at home, 1,000 abroad.
    whole = relative_shifts(("all", "all", 0.0, -0.1, 0.1, 6_000, 1_200))
    shift, slope = (whole.assign(metric=f"calibration_{name}") for name in ("shift", "slope"))
    figures = pd.concat([shift, slope.assign(value=1.0, ci_lo=0.95, ci_hi=1.05)])
    home, abroad = (
        pd.concat([figures, relative_shifts(*countries(*off))]) for off in ((OFF, SOUND), (SOUND, OFF))
    )
    (defect,) = miscalibrated(home, criteria=CRITERIA)
    assert defect.startswith("83% of the rows are in slices that are off: country = DE is off by 0.8")
    assert list(miscalibrated(abroad, criteria=CRITERIA)) == []


@dataclass
class Recorded(Warehouse):
    """A warehouse that holds recorded metrics only, oldest first."""

    metrics: pd.DataFrame

    def read(self, sql: str, parameters: Any = None) -> pd.DataFrame:
        assert "relative_shift" in sql
        dated = self.metrics["as_of_date"]
        return self.metrics.loc[dated.isna() | (dated <= pd.Timestamp(parameters["as_of"]))]


def withheld(*evaluations: pd.DataFrame, as_of: date = date(2025, 5, 5)) -> list[str]:
    found = withheld_slices(
        Recorded(metrics=pd.concat([each.astype({"as_of_date": "datetime64[ns]"}) for each in evaluations])),  # type: ignore[abstract]
        version="v1",
        as_of=as_of,
        criteria=CRITERIA,
    )
    return [each.where for each in found]


def test_the_newest_evaluation_of_a_slice_decides_and_a_withheld_one_stays_withheld() -> None:
    test = relative_shifts(*countries(SOUND, SOUND))
    failed = relative_shifts(*countries(SOUND, OFF), split="realised_window", as_of="2025-04-07")
    # Withheld rows have no probability: a later window has the other country only.
    silent = relative_shifts(countries(SOUND, OFF)[0], split="realised_window", as_of="2025-04-28")
    sound = relative_shifts(*countries(SOUND, SOUND), split="realised_window", as_of="2025-04-28")
    assert withheld(test) == []
    assert withheld(test, failed) == ["country = other"]
    assert withheld(test, failed, silent) == ["country = other"]
    assert withheld(test, failed, sound) == []
    # An older date that is scored again does not know what was found later.
    assert withheld(test, failed, as_of=date(2025, 4, 1)) == []
    assert withheld(relative_shifts(*countries(SOUND, OFF)), sound) == []


SLICES: Sequence[Slice] = (
    NumericSlice(name="recency", column="days", cuts=(90,), labels=("recent", "lapsed")),
    CategorySlice(name="country", column="country"),
)


def test_rows_are_marked_by_the_values_that_were_evaluated() -> None:
    # On this date most customers are abroad, so that "other" by today's counts would be the home country.
    features = pd.DataFrame(
        {
            "country": ["DE", "FR", "FR", None, "AT", "FR"],
            "days": [5.0, 100.0, 5.0, 100.0, np.nan, 5.0],
            "ineligible_reason": pd.Series([None, None, "no_consent", None, None, None], dtype="string"),
        }
    )
    off = slices_off(relative_shifts(*countries(SOUND, OFF)), criteria=CRITERIA)
    reasons = mark_withheld(features, SLICES, off=off)["ineligible_reason"]
    named = "withheld_slice: country = other"
    assert reasons.fillna("-").tolist() == ["-", named, "no_consent", "-", named, named]
    lapsed = ("recency", "lapsed", *OFF, 1_000, 200)
    off = slices_off(relative_shifts(lapsed), criteria=CRITERIA)
    reasons = mark_withheld(features, SLICES, off=off)["ineligible_reason"]
    assert reasons.fillna("-").str.contains("recency = lapsed").tolist() == [
        False,
        True,
        False,
        True,
        False,
        False,
    ]


def found_off(shifts: Floats, *, windows: float, sampling_se: float = 0.09) -> int:
    """Number of slices whose estimated shifts are found to be off."""
    half = 1.96 * float(np.hypot(sampling_se, SLICE_PERIOD_SD / np.sqrt(windows)))
    rows = [
        ("slice", str(number), each, each - half, each + half, 5_000, 1_000)
        for number, each in enumerate(shifts)
    ]
    return len(slices_off(relative_shifts(*rows), criteria=CRITERIA))


def test_a_slice_with_a_season_of_its_own_is_rarely_withheld_and_an_error_of_1_is() -> None:
    # Nine slices of a quarter of 30-day windows, as Online Retail has them. Each moves with its own periods.
    rng, windows, runs = np.random.default_rng(4), 3.8, 2_000
    se = np.hypot(0.09, SLICE_PERIOD_SD / np.sqrt(windows))
    sound = rng.normal(0, se, (runs, 9))
    wrong = sound + np.r_[1.0, np.zeros(8)]
    assert np.mean([found_off(each, windows=windows) > 0 for each in sound]) < 0.01
    assert np.mean([found_off(each, windows=windows) > 0 for each in wrong]) > 0.9
    # Customers abroad in February 2011: 0.48 with a sampling error of 0.09, enough without the period term.
    assert found_off(np.r_[0.4847, np.zeros(8)], windows=windows) == 0
    assert found_off(np.r_[0.6, np.zeros(8)], windows=1e6) == 1
