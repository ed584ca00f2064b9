"""Ledger of check results, with a row for every expected check, so that a missing result is visible."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import pandas as pd

Status = Literal["passed", "failed", "not_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check of one asset in one run.

    ``value`` and ``threshold`` are ``None`` for a check without a single number; ``checked_at`` is naive
    UTC, and ``None`` if the check did not run.
    """

    check_name: str
    asset: str
    as_of_date: str | None
    severity: str = "unknown"
    status: Status = "not_run"
    value: float | None = None
    threshold: float | None = None
    reason: str = "defined, but no result was recorded in this run"
    run_id: str
    checked_at: datetime | None = None


def ledger_rows(
    results: Iterable[CheckResult], expected: Sequence[tuple[str, str]], *, run_id: str, as_of: str | None
) -> pd.DataFrame:
    """Rows of ``results``, plus a ``not_run`` row per expected check without a result in ``run_id``.

    Args:
        results: Results of this run and of earlier ones.
        expected: ``(asset, check_name)`` of every check that the code defines.
        run_id: The run whose missing results are added.
        as_of: The run's as-of date, for the added rows.

    Returns:
        One row per run, asset and check, sorted by them; of several results the last in ``results`` is kept.
    """
    by_key = {(result.run_id, result.asset, result.check_name): result for result in results}
    for asset, check_name in expected:
        missing = CheckResult(check_name=check_name, asset=asset, as_of_date=as_of, run_id=run_id)
        by_key.setdefault((run_id, asset, check_name), missing)
    rows = pd.DataFrame([asdict(result) for result in by_key.values()])
    typed = rows.astype({"value": "float64", "threshold": "float64"})
    typed["checked_at"] = pd.to_datetime(typed["checked_at"]).astype("datetime64[us]")
    typed["as_of_date"] = pd.to_datetime(typed["as_of_date"]).dt.date
    return typed.sort_values(["run_id", "asset", "check_name"], ignore_index=True)
