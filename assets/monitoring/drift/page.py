"""A page to browse: each column today against the reference, drawn by Evidently.

Evidently draws, we judge: its preset knows neither repeated customers nor seasons nor earlier mornings, its
default method changes with the number of rows, and on a million rows it takes minutes. So it gets a sample
and our bound, and the page is where a person looks *after* an alarm. Nothing leaves the machine: the page
holds its scripts, and only Evidently's own web service would call home.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from assets.metrics.drift.binning import MISSING_CATEGORY, is_number
from assets.monitoring.drift.alarm import DriftThresholds

# What Evidently draws in seconds; a share of 1 % is then known to 0.1 points.
MOST_ROWS = 20_000
METHOD = "psi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was written.

    Attributes:
        rows, reference_rows: Rows drawn, of today and of the reference.
        left_out: Columns that hold no value on one of the sides, and so cannot be drawn.
    """

    file: Path
    rows: int
    reference_rows: int
    left_out: tuple[str, ...]


def html_report(reference: pd.DataFrame, current: pd.DataFrame, *, file: Path, seed: int = 0) -> Page:
    """Write the page of one as-of day.

    Args:
        reference: Rows of the champion's training window, with the features and, if wanted, the score.
        current: Rows of the as-of day with the same columns.
        file: Where the page goes; about 7 MB, its folder must exist.
        seed: Of the sample of at most 20,000 rows on each side.

    Raises:
        ValueError: when a column stands on one side only, or no column holds values on both.
    """
    apart = sorted({str(name) for name in reference.columns.symmetric_difference(current.columns)})
    if apart:
        raise ValueError(f"{apart} stand on one side only: the page compares the same columns")
    sides = [_drawn(side, seed=seed) for side in (reference, current)]
    filled = [str(name) for name in reference.columns if all(side[name].notna().any() for side in sides)]
    if not filled:
        raise ValueError("no column holds values in both the reference and the rows of the day")
    _write(*(_plain(side[filled], reference) for side in sides), file=file)
    return Page(
        file=file,
        rows=len(sides[1]),
        reference_rows=len(sides[0]),
        left_out=tuple(str(name) for name in reference.columns if str(name) not in filled),
    )


def _drawn(rows: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    if len(rows) <= MOST_ROWS:
        return rows
    places = np.random.default_rng(seed).choice(len(rows), MOST_ROWS, replace=False)
    return rows.iloc[np.sort(places)]


def _plain(rows: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Numbers as float64 and categories as text: Evidently guesses from whatever else it finds."""
    return pd.DataFrame(
        {
            name: pd.to_numeric(rows[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
            if is_number(reference[name])
            else rows[name].astype(object).where(rows[name].notna(), MISSING_CATEGORY)
            for name in rows.columns
        }
    )


def _write(reference: pd.DataFrame, current: pd.DataFrame, *, file: Path) -> None:
    # Eight seconds of import that only this page needs.
    from evidently import DataDefinition, Dataset, Report  # type: ignore[import-untyped]  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # type: ignore[import-untyped]  # noqa: PLC0415

    numeric = [name for name in reference.columns if is_number(reference[name])]
    definition = DataDefinition(
        numerical_columns=numeric,
        categorical_columns=[name for name in reference.columns if name not in numeric],
    )
    bound = DriftThresholds().psi
    preset = DataDriftPreset(
        num_method=METHOD, cat_method=METHOD, num_threshold=bound, cat_threshold=bound, include_tests=False
    )
    # The rows of today come first: the other way round nothing fails and everything is swapped.
    today, then = (Dataset.from_pandas(side, data_definition=definition) for side in (current, reference))
    Report([preset]).run(today, then).save_html(str(file))
