"""The pandera contracts of the training rows and of the published scores."""

import pandas as pd
import pandera.pandas as pa

from assets.lifecycle.report.grade import DO_NOT_USE, GRADES
from assets.lifecycle.store.schemas import REASON_TYPES, SCORE_TYPES
from assets.supervised.data.dataset import INELIGIBLE
from assets.supervised.problem import PredictionProblem

# Names say what a number may be: the naming rules are the contract.
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
STATUSES = ("ok", "fallback_model", "stale", "withheld_by_gate")
GRADE_NAMES = (*(grade.name for grade in GRADES), DO_NOT_USE.name)
# What is said of everyone who is asked about, and of nobody else.
_SHARE = pa.Column("float64", pa.Check.in_range(0, 1), nullable=True)
SAID = {
    **dict.fromkeys(("probability", "probability_raw", "prob_lo", "prob_hi", "base_rate"), _SHARE),
    "score": pa.Column(checks=pa.Check.in_range(0, 100), nullable=True),
    "percentile": pa.Column(checks=pa.Check.in_range(1, 100), nullable=True),
    "decile": pa.Column(checks=pa.Check.in_range(1, 10), nullable=True),
    "percentile_population": pa.Column(nullable=True),
    "tier": pa.Column(checks=pa.Check.isin(("high", "medium", "low")), nullable=True),
    "tier_rule": pa.Column(nullable=True),
    "lift": pa.Column("float64", pa.Check.ge(0), nullable=True),
}
# What is said of some of them: a customer may lack an amount, and a reason may not matter.
MAY_BE_SAID = ["expected_value", *REASON_TYPES]


def training_contract(problem: PredictionProblem) -> pa.DataFrameSchema:
    """Numbers are finite and within what their name allows, and the outcome is 0 or 1 or not known yet."""
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


def scores_contract(problem: PredictionProblem) -> pa.DataFrameSchema:
    """Every published column is there and in range, and who is not asked about has no probability."""
    ruled = {
        "customer_id": pa.Column(nullable=False),
        "as_of_date": pa.Column(nullable=False),
        "model_version": pa.Column(nullable=False),
        "target": pa.Column(checks=pa.Check.eq(problem.target)),
        "horizon_days": pa.Column(checks=pa.Check.eq(problem.horizon_days)),
        "is_eligible": pa.Column(nullable=False),
        "status": pa.Column(checks=pa.Check.isin(STATUSES)),
        "quality_grade": pa.Column(checks=pa.Check.isin(GRADE_NAMES)),
        **SAID,
    }
    others = {
        name: pa.Column(nullable=True)
        for name in {**SCORE_TYPES, **problem.passthrough_columns}
        if name not in ruled
    }
    return pa.DataFrameSchema(
        {**ruled, **others}, checks=_of_the_eligible(), unique=["customer_id", "as_of_date"], strict=True
    )


def _of_the_eligible() -> list[pa.Check]:
    """What holds between the columns of a row: eligible rows say everything, the others why they do not."""
    return [
        pa.Check(
            lambda rows: (
                (rows["prob_lo"] <= rows["probability"]) & (rows["probability"] <= rows["prob_hi"])
                | ~_is_eligible(rows)
            ),
            name="prob_lo_probability_prob_hi_in_order",
        ),
        pa.Check(
            lambda rows: rows[INELIGIBLE].isna() == _is_eligible(rows),
            name="a_reason_if_and_only_if_ineligible",
        ),
        pa.Check(
            lambda rows: rows[list(SAID)].notna().all(axis=1) | ~_is_eligible(rows),
            name="a_probability_and_what_follows_from_it_if_eligible",
        ),
        pa.Check(
            lambda rows: rows[list(SAID) + MAY_BE_SAID].isna().all(axis=1) | _is_eligible(rows),
            name="neither_probability_nor_what_follows_from_it_if_ineligible",
        ),
    ]


def _is_eligible(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["is_eligible"].astype("bool")
