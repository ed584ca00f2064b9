"""What must be true of published amounts, one row by one and all together."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pandera.pandas as pa

from assets.lifetime_value.group_totals import groups_out_of_tolerance
from assets.lifetime_value.problem import AmountGates, ValueProblem
from assets.lifetime_value.tables import VALUE_TYPES
from assets.metrics.arrays import Floats
from assets.metrics.bootstrap import Interval
from checks.models.contracts import GRADE_NAMES, STATUSES
from checks.verdict import Verdict

# A bare level would be red every other week; a season that no customer's interval knows takes some points.
COVERAGE_TOLERANCE = 0.05
AMOUNTS = (
    "predicted_value",
    "predicted_value_lo",
    "predicted_value_hi",
    "predicted_orders",
    "baseline_value",
)


def value_scores_contract(problem: ValueProblem) -> pa.DataFrameSchema:
    """Every published column is there and within its range, one row per customer and horizon."""
    share = pa.Check.in_range(0, 1)
    ruled = {
        "customer_id": pa.Column(nullable=False),
        "as_of_date": pa.Column(nullable=False),
        "model_version": pa.Column(nullable=False),
        "target": pa.Column(checks=pa.Check.eq(problem.target)),
        "horizon_days": pa.Column(checks=pa.Check.isin(problem.horizons_days)),
        "status": pa.Column(checks=pa.Check.isin(STATUSES)),
        "quality_grade": pa.Column(checks=pa.Check.isin(GRADE_NAMES)),
        "is_eligible": pa.Column(nullable=False),
        "historic_orders": pa.Column(checks=pa.Check.ge(1), nullable=True),
        "prob_alive": pa.Column("float64", share, nullable=True),
        "prob_churn": pa.Column("float64", share, nullable=True),
        "value_basis": pa.Column(checks=pa.Check.eq(problem.value_basis)),
    }
    others = {name: pa.Column(nullable=True) for name in VALUE_TYPES if name not in ruled}
    return pa.DataFrameSchema(
        {**ruled, **others},
        checks=_of_the_eligible(),
        unique=["customer_id", "horizon_days", "as_of_date"],
        strict=True,
    )


def _of_the_eligible() -> list[pa.Check]:
    """Whoever may be asked about has an outlook, and the others a reason and nothing else."""
    said = ["predicted_value", "baseline_value", "historic_orders", "is_high_value"]
    return [
        pa.Check(
            lambda rows: rows["ineligible_reason"].isna() == rows["is_eligible"].astype(bool),
            name="a_reason_if_and_only_if_ineligible",
        ),
        pa.Check(
            lambda rows: rows[said].notna().all(axis=1) | ~rows["is_eligible"].astype(bool),
            name="an_outlook_if_eligible",
        ),
        pa.Check(
            lambda rows: rows[said].isna().all(axis=1) | rows["is_eligible"].astype(bool),
            name="no_outlook_if_ineligible",
        ),
    ]


def amounts_lie_in_their_intervals(rows: pd.DataFrame) -> Verdict:
    """Every predicted amount is finite, at least 0 and within its own interval, as is every number of orders.

    Args:
        rows: One morning's scores; a fallback's have no intervals and no orders.
    """
    value, lo, hi, orders, naive = rows[list(AMOUNTS)].to_numpy(dtype=np.float64).T
    is_model = (rows["status"] != "fallback_model").to_numpy(dtype=bool)
    broken = {
        "not finite": ~np.isfinite(value) | ~np.isfinite(naive),
        "below 0": np.minimum(value, naive) < 0,
        "outside its interval": is_model & ~((lo >= 0) & (lo <= value) & (value <= hi) & np.isfinite(hi)),
        "without orders": is_model & ~(np.isfinite(orders) & (orders >= 0)),
    }
    told = [f"{int(wrong.sum()):,} {what}" for what, wrong in broken.items() if wrong.any()]
    return Verdict(
        passed=not told,
        reason=f"of {len(rows):,} amounts, {'; '.join(told)}"
        if told
        else f"{len(rows):,} amounts are finite, at least 0 and in their intervals",
        value=float(sum(wrong.sum() for wrong in broken.values())),
        threshold=0.0,
        evidence={"n": float(len(rows))},
    )


def value_is_monotone_in_horizon(by_horizon: Floats) -> Verdict:
    """No customer is expected to spend less in a longer time.

    Args:
        by_horizon: (n, horizons) amounts, the shortest horizon first.
    """
    # What rounding may take away.
    less = (np.diff(by_horizon, axis=1) < -1e-6).any(axis=1)
    return Verdict(
        passed=not less.any(),
        reason=f"{int(less.sum()):,} of {len(by_horizon):,} customers are worth less in a longer time",
        value=float(less.sum()),
        threshold=0.0,
        evidence={"n": float(len(by_horizon))},
    )


def cohort_has_every_horizon(counted: pd.DataFrame, *, horizons: Iterable[int]) -> Verdict:
    """The scored customers of each horizon are the morning's customers: nobody missing, nobody invented.

    Args:
        counted: Per ``horizon_days`` the morning's ``cohort``, how many of it are ``scored`` and how many
            rows belong to ``strangers``.
        horizons: The horizons that must be there, in days.
    """
    missing = sorted(set(horizons) - set(counted["horizon_days"].astype(int)))
    wrong = (counted["cohort"] - counted["scored"]).abs() + counted["strangers"]
    told = [
        f"{row.horizon_days} days: {row.scored:,} of {row.cohort:,} customers, {row.strangers:,} strangers"
        for row in counted.itertuples()
    ]
    return Verdict(
        passed=not missing and not wrong.any(),
        reason="; ".join([*told, *(f"{days} days: nobody" for days in missing)]),
        value=float(wrong.sum()),
        threshold=0.0,
        evidence={"n": float(counted["cohort"].max()) if len(counted) else 0.0},
    )


def backtest_totals_are_within_tolerance(groups: pd.DataFrame, *, criteria: AmountGates) -> Verdict:
    """The serving version's totals agreed with realised ones in its back-test, by tenth and by cohort.

    Args:
        groups: Rows of ``ml.calibration_bins`` of the version that serves; empty for a fallback.
        criteria: Tolerances.
    """
    if groups.empty:
        return Verdict(
            passed=True,
            reason="a fallback serves: a formula, whose totals nobody vouches for",
            evidence={"n": 0.0},
        )
    faults, customers = (
        tuple(groups_out_of_tolerance(groups, criteria=criteria)),
        groups.loc[groups["slice_name"] == "all", "n"],
    )
    return Verdict(
        passed=not faults,
        reason="; ".join(faults)
        if faults
        else f"{len(groups)} groups of {int(customers.sum()):,} customers agree within tolerance and chance",
        value=float(len(faults)),
        threshold=0.0,
        evidence={"n": float(customers.sum()), "groups": float(len(groups))},
    )


def interval_coverage_is_nominal(held: Interval | None, *, level: float, n: int) -> Verdict:
    """Intervals of the back-test held about as often as they promise.

    More than promised is no fault: many customers order nothing, and no end cuts a heap in two.

    Args:
        held: Share of customers whose amount lay in their interval; ``None`` when nothing was judged.
        level: What was promised.
        n: Customers.
    """
    if held is None:
        return Verdict(passed=True, reason="no interval was judged", evidence={"n": 0.0})
    return Verdict(
        passed=held.hi >= level - COVERAGE_TOLERANCE,
        reason=f"{held.value:.1%} of {n:,} intervals held [{held.lo:.1%}, {held.hi:.1%}]; promised are "
        f"{level:.0%}, and {COVERAGE_TOLERANCE:.0%} are tolerated for what moves everybody",
        value=held.value,
        threshold=level - COVERAGE_TOLERANCE,
        evidence={"n": float(n)},
    )


def realised_totals_are_within_tolerance(realised: pd.Series) -> Verdict:
    """The newest matured morning's published totals agree with what was then spent.

    Args:
        realised: The morning's row of ``ml.lifetime_value__realised``.
    """
    n = int(realised["n"])
    if n == 0:
        return Verdict(
            passed=True, reason="nothing a model published has matured: not judged yet", evidence={"n": 0.0}
        )
    faults = None if pd.isna(realised["faults"]) else str(realised["faults"])
    said, spent = float(realised["predicted_total"]), float(realised["realised_total"])
    told = f"published on {realised['scored_on']:%Y-%m-%d}: said {said:,.0f}, spent {spent:,.0f} (n {n:,})"
    return Verdict(
        passed=faults is None,
        reason=f"{told}; {faults}; look at the season first, then retrain" if faults else told,
        value=said,
        threshold=spent,
        evidence={"n": float(n)},
    )
