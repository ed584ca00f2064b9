"""A tiny shop whose truth we chose: weekly rows of customers with known purchase probabilities."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.special import expit

from assets.features.groups import CategorySlice, FeatureGroup, NumericSlice
from assets.features.matrix import Columns, Matrix, build_matrix
from assets.keys import Key
from assets.supervised.fitting.task import Binary, Boosting
from assets.supervised.problem import MinimumData, PredictionProblem, PromotionCriteria

FIRST_DAY = date(2025, 1, 6)
COLUMNS = Columns(
    entity_id="customer_id",
    numeric=("days_since_order", "orders_365d", "average_order_amount_365d", "noise"),
    categorical=("country",),
)
PROBLEM = PredictionProblem(
    name="purchase_propensity",
    question="Who buys next month?",
    entity="customer",
    target="purchase",
    horizon_days=30,
    task=Binary(boosting=Boosting(max_iter=60)),
    features=(Key("features", "feat_customer__orders"),),
    label=Key("labels", "lbl_customer__purchase_30d"),
    numeric=COLUMNS.numeric,
    categorical=COLUMNS.categorical,
    recency="days_since_order",
    slices=(
        NumericSlice(name="recency", column="days_since_order", cuts=(90,), labels=("recent", "lapsed")),
        CategorySlice(name="country", column="country"),
    ),
    reason_groups=(
        FeatureGroup(name="recency", columns=("days_since_order",), description="how long ago"),
        FeatureGroup(name="frequency", columns=("orders_365d",), description="how often"),
        FeatureGroup(name="spend", columns=("average_order_amount_365d",), description="how much"),
        FeatureGroup(name="noise", columns=("noise", "country"), description="nothing"),
    ),
    consent_purpose="profiling",
    owner="marketing",
    criteria=PromotionCriteria(replicates=100),
    minimum_data=MinimumData(customers=500, positives=100),
    amount="average_order_amount_365d",
)


def as_of_days(weeks: int) -> list[date]:
    return [FIRST_DAY + timedelta(weeks=week) for week in range(weeks)]


def shop(*, customers: int, weeks: int, seed: int = 1) -> pd.DataFrame:
    """Feature rows with ``outcome`` and the ``truth`` it was drawn from.

    Purchases depend on recency and, more, on frequency, which the naive rival does not see; a period
    effect with standard deviation 0.3 moves everybody of one week.
    """
    rng = np.random.default_rng(seed)
    person = np.tile(np.arange(customers), weeks)
    week = np.repeat(np.arange(weeks), customers)
    liking = rng.normal(size=customers)[person]
    recency = np.round(rng.exponential(np.exp(4 - 0.5 * liking)))
    orders = rng.poisson(np.exp(0.7 + 0.7 * liking))
    period = 0.3 * rng.normal(size=weeks)[week]
    truth = expit(-2.4 - 0.004 * recency + 0.45 * np.minimum(orders, 8) + period)
    as_of = pd.to_datetime(np.asarray(as_of_days(weeks), dtype="datetime64[D]")[week])
    return pd.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in person],
            "as_of_date": as_of,
            "as_of_at": as_of,
            "newest_known_at": as_of - pd.Timedelta(hours=9),
            "days_since_order": recency,
            "orders_365d": orders,
            "average_order_amount_365d": np.where(orders > 0, rng.gamma(2, 20, person.size), np.nan),
            "noise": rng.normal(size=person.size),
            "country": np.where(person % 10 == 0, "France", "United Kingdom"),
            "outcome": (rng.random(person.size) < truth).astype(int),
            "truth": truth,
        }
    )


def matrix(rows: pd.DataFrame) -> Matrix:
    return build_matrix(rows, rows[["customer_id", "as_of_date", "outcome"]], columns=COLUMNS)
