"""Pandera contracts of training rows and scores."""

from collections.abc import Mapping, Sequence

import pandas as pd
import pandera.pandas as pa

from assets.lifecycle.capability import NOTHING
from assets.lifecycle.cohort import INELIGIBLE
from assets.lifecycle.report.grade import DO_NOT_USE, GRADES
from assets.lifecycle.run_context import score_types
from assets.lifecycle.spec import Spec
from assets.lifecycle.store.schemas import STATUSES
from assets.supervised.problem import PredictionProblem
from assets.supervised.scoring.reason_codes import REASON_TYPES

# The naming rules are the contract: a suffix or prefix decides the range of a number.
SHARES = ("_rate", "_share")
COUNTS = (
    *("orders_", "products_", "returns_", "days_", "tenure_", "active_", "gap_"),
    *(
        "sessions_",
        "product_views_",
        "searches_",
        "visit_days_",
        "carts_",
        "abandoned_carts_",
        "visits_trend",
    ),
    *("sends_", "opens_", "clicks_", "reviews_"),
)
GRADE_NAMES = (*(grade.name for grade in GRADES), DO_NOT_USE.name)
# Columns that every eligible row has, and no other.
_SHARE = pa.Column("float64", pa.Check.in_range(0, 1), nullable=True)
PREDICTED = {
    **dict.fromkeys(("probability", "probability_raw", "prob_lo", "prob_hi", "base_rate"), _SHARE),
    "score": pa.Column(checks=pa.Check.in_range(0, 100), nullable=True),
    "percentile": pa.Column(checks=pa.Check.in_range(1, 100), nullable=True),
    "decile": pa.Column(checks=pa.Check.in_range(1, 10), nullable=True),
    "percentile_population": pa.Column(nullable=True),
    "tier": pa.Column(checks=pa.Check.isin(("high", "medium", "low")), nullable=True),
    "tier_rule": pa.Column(nullable=True),
    "lift": pa.Column("float64", pa.Check.ge(0), nullable=True),
}
# Columns that an eligible row may lack: an amount may be unknown, and a reason code may not matter.
OPTIONAL = ["expected_value", *REASON_TYPES]


INELIGIBLE_HAVE_A_REASON = pa.Check(
    lambda rows: rows[INELIGIBLE].isna() == rows["is_eligible"].astype(bool),
    name="a_reason_if_and_only_if_ineligible",
)


def training_contract(problem: PredictionProblem) -> pa.DataFrameSchema:
    """Numbers are finite and within the range of their name; the outcome is 0, 1 or not known yet."""
    numbers = {name: pa.Column("float64", _bounds(name), nullable=True) for name in problem.numeric}
    categories = {name: pa.Column(pa.Category, nullable=True) for name in problem.categorical}
    outcome = {"outcome": pa.Column("float64", pa.Check.isin([0.0, 1.0]), nullable=True)}
    return pa.DataFrameSchema({**numbers, **categories, **outcome}, strict=True)


def _bounds(name: str) -> pa.Check:
    if any(part in name for part in SHARES):
        return pa.Check.in_range(0, 1)
    if name.startswith(COUNTS):
        return pa.Check.ge(0)
    return pa.Check.in_range(-1e15, 1e15)


def scores_contract(
    spec: Spec, *, ruled: Mapping[str, pa.Column] = NOTHING, checks: Sequence[pa.Check] = ()
) -> pa.DataFrameSchema:
    """Every column of the score table is there and in range, and each row key once.

    Args:
        spec: The capability.
        ruled: Rules of its own columns; the others may hold anything of their type.
        checks: Rules between the columns of a row.
    """
    table = spec.tables[0]
    subject = [spec.subject] if spec.subject else []
    keys = [*subject, "as_of_date", *table.key_columns]
    rules = {
        **{name: pa.Column(nullable=True) for name in score_types(spec)},
        **{name: pa.Column(nullable=False) for name in keys},
        "is_eligible": pa.Column(nullable=False),
        "status": pa.Column(checks=pa.Check.isin(STATUSES)),
        "quality_grade": pa.Column(checks=pa.Check.isin(GRADE_NAMES), nullable=True),
        **ruled,
    }
    return pa.DataFrameSchema(rules, checks=list(checks), unique=keys, strict=True)


def probability_contract(spec: Spec, problem: PredictionProblem) -> pa.DataFrameSchema:
    """Every published column is there and in range, and ineligible rows have no probability.

    Args:
        spec: The capability.
        problem: Its prediction problem.
    """
    own = {
        "model_version": pa.Column(nullable=False),
        "target": pa.Column(checks=pa.Check.eq(problem.target)),
        "horizon_days": pa.Column(checks=pa.Check.eq(problem.horizon_days)),
        "quality_grade": pa.Column(checks=pa.Check.isin(GRADE_NAMES)),
        **PREDICTED,
    }
    return scores_contract(spec, ruled=own, checks=_between_columns())


def _between_columns() -> list[pa.Check]:
    """Rules between the columns of a row: eligible rows have every prediction, the others the reason."""
    return [
        pa.Check(
            lambda rows: (
                (rows["prob_lo"] <= rows["probability"]) & (rows["probability"] <= rows["prob_hi"])
                | ~_is_eligible(rows)
            ),
            name="prob_lo_probability_prob_hi_in_order",
        ),
        INELIGIBLE_HAVE_A_REASON,
        pa.Check(
            lambda rows: rows[list(PREDICTED)].notna().all(axis=1) | ~_is_eligible(rows),
            name="predictions_if_eligible",
        ),
        pa.Check(
            lambda rows: rows[list(PREDICTED) + OPTIONAL].isna().all(axis=1) | _is_eligible(rows),
            name="no_predictions_if_ineligible",
        ),
    ]


def _is_eligible(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["is_eligible"].astype("bool")
