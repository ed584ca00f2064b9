"""HTML page of drift: plots of each column against the reference, drawn by Evidently.

The verdicts are not Evidently's: its preset ignores repeated customers, seasons and earlier as-of dates, its
default method changes with the number of rows, and on a million rows it takes minutes. So it gets a sample
and the threshold of :mod:`assets.monitoring.drift.alarm`, and the page is for a person *after* an alarm.
Nothing leaves the machine: the page contains its scripts, and only Evidently's web service sends telemetry.
"""

from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from assets.metrics.drift.binning import MISSING_CATEGORY, is_number
from assets.monitoring.drift.alarm import RELEVANT_PSI

# Evidently draws these in seconds; a share of 1 % then has a standard error of 0.1 points.
MOST_ROWS = 20_000
METHOD = "psi"


def html_report(reference: pd.DataFrame, current: pd.DataFrame, *, file: Path, seed: int = 0) -> None:
    """Write the page of one as-of date.

    Args:
        reference: (n, k) rows of the champion's training window, with the features and perhaps the score.
        current: (m, k) rows of the as-of date with the same columns.
        file: Path of the page; about 7 MB, its folder must exist.
        seed: Of the sample of at most 20,000 rows of each frame.

    Raises:
        ValueError: when a column is in one frame only, or no column has values in both.
    """
    apart = sorted({str(name) for name in reference.columns.symmetric_difference(current.columns)})
    if apart:
        raise ValueError(f"{apart} are in one frame only: the page compares the same columns")
    sides = [_sample(side, seed=seed) for side in (reference, current)]
    filled = [str(name) for name in reference.columns if all(side[name].notna().any() for side in sides)]
    if not filled:
        raise ValueError("no column has values in both the reference and the rows of the as-of date")
    _write(*(_simple_types(side[filled], reference) for side in sides), file=file)


def _sample(rows: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    if len(rows) <= MOST_ROWS:
        return rows
    places = np.random.default_rng(seed).choice(len(rows), MOST_ROWS, replace=False)
    return rows.iloc[np.sort(places)]


def _simple_types(rows: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Numbers as float64 and categories as escaped text.

    Evidently guesses the kind of other types, and writes categories, which are delivered values, into the
    page's script as they are.
    """
    return pd.DataFrame(
        {
            name: pd.to_numeric(rows[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
            if is_number(reference[name])
            else rows[name].astype(object).where(rows[name].notna(), MISSING_CATEGORY).map(_escaped)
            for name in rows.columns
        }
    )


def _escaped(category: object) -> str:
    return escape(str(category))


def _write(reference: pd.DataFrame, current: pd.DataFrame, *, file: Path) -> None:
    # An import of eight seconds that only this page needs.
    from evidently import DataDefinition, Dataset, Report  # type: ignore[import-untyped]  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # type: ignore[import-untyped]  # noqa: PLC0415

    numeric = [name for name in reference.columns if is_number(reference[name])]
    definition = DataDefinition(
        numerical_columns=numeric,
        categorical_columns=[name for name in reference.columns if name not in numeric],
    )
    preset = DataDriftPreset(
        **dict.fromkeys(("num_method", "cat_method"), METHOD),
        **dict.fromkeys(("num_threshold", "cat_threshold"), RELEVANT_PSI),
        include_tests=False,
    )
    # The current rows come first: the other order does not fail, and swaps current and reference.
    today, then = (Dataset.from_pandas(side, data_definition=definition) for side in (current, reference))
    Report([preset]).run(today, then).save_html(str(file))
