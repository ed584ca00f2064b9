"""The pandera contracts of the training rows and of the published scores."""

import pandera.pandas as pa

from assets.lifecycle.grade import DO_NOT_USE, GRADES
from assets.lifecycle.problem import PredictionProblem
from assets.lifecycle.tables import SCORE_TYPES

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
    """Every published column is there, within its range, and its interval contains the probability."""
    between = pa.Check(
        lambda rows: (rows["prob_lo"] <= rows["probability"]) & (rows["probability"] <= rows["prob_hi"]),
        name="prob_lo_probability_prob_hi_in_order",
    )
    ruled = {
        "customer_id": pa.Column(nullable=False),
        "as_of_date": pa.Column(nullable=False),
        "model_version": pa.Column(nullable=False),
        "target": pa.Column(checks=pa.Check.eq(problem.target)),
        "horizon_days": pa.Column(checks=pa.Check.eq(problem.horizon_days)),
        "status": pa.Column(checks=pa.Check.isin(STATUSES)),
        "quality_grade": pa.Column(checks=pa.Check.isin(GRADE_NAMES)),
        "probability": pa.Column("float64", pa.Check.in_range(0, 1)),
        "probability_raw": pa.Column("float64", pa.Check.in_range(0, 1)),
        "score": pa.Column(checks=pa.Check.in_range(0, 100)),
        "percentile": pa.Column(checks=pa.Check.in_range(1, 100)),
        "decile": pa.Column(checks=pa.Check.in_range(1, 10)),
        "tier": pa.Column(checks=pa.Check.isin(("high", "medium", "low"))),
        "lift": pa.Column("float64", pa.Check.ge(0)),
    }
    others = {name: pa.Column(nullable=True) for name in SCORE_TYPES if name not in ruled}
    return pa.DataFrameSchema(
        {**ruled, **others}, checks=between, unique=["customer_id", "as_of_date"], strict=True
    )
