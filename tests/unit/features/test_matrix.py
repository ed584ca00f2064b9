"""The matrix has explicit types and refuses features that leak the outcome."""

import numpy as np
import pandas as pd
import pytest

from assets.features.matrix import (
    Columns,
    LeakDetected,
    build_matrix,
    refuse_separating_features,
    sample_modulus,
)

COLUMNS = Columns(entity_id="customer_id", numeric=("orders_90d",), categorical=("country",))
MONDAY = pd.Timestamp("2025-03-03")


def features(**changed: object) -> pd.DataFrame:
    # Nullable integers and text, as DuckDB 2.0 returns them with a NULL among them.
    return pd.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "as_of_date": [MONDAY] * 3,
            "as_of_at": [MONDAY] * 3,
            "newest_known_at": [MONDAY - pd.Timedelta(minutes=1)] * 3,
            "orders_90d": pd.array([1, None, 3], dtype="Int32"),
            "country": ["France", None, "Norway"],
        }
    ).assign(**changed)  # type: ignore[arg-type]


def labels() -> pd.DataFrame:
    return pd.DataFrame({"customer_id": ["c", "a"], "as_of_date": [MONDAY.date()] * 2, "outcome": [0, 1]})


def test_numbers_are_floats_and_missing_stays_missing() -> None:
    matrix = build_matrix(features(), None, columns=COLUMNS)
    assert matrix.features["orders_90d"].dtype == np.float64
    np.testing.assert_array_equal(matrix.features["orders_90d"], [1.0, np.nan, 3.0])
    assert matrix.features["country"].tolist() == ["France", "unknown", "Norway"]
    assert matrix.outcome.size == 0


def test_rows_without_an_outcome_are_left_out_and_the_others_keep_theirs() -> None:
    matrix = build_matrix(features(), labels(), columns=COLUMNS)
    assert dict(zip(matrix.entities, matrix.outcome, strict=True)) == {"a": 1.0, "c": 0.0}
    assert matrix.positives == 1
    assert matrix.of(matrix.outcome > 0).entities.tolist() == ["a"]


def test_a_fact_known_at_the_cutoff_is_a_leak() -> None:
    with pytest.raises(LeakDetected, match="1 of 3 rows use facts not yet known"):
        build_matrix(features(newest_known_at=[MONDAY, *[pd.NaT] * 2]), None, columns=COLUMNS)


@pytest.mark.parametrize("name", ["outcome", "outcome_amount", "label_30d", "lbl_x", "future_outcome"])
def test_a_feature_named_like_the_outcome_is_a_leak(name: str) -> None:
    columns = Columns(entity_id="customer_id", numeric=(name,), categorical=())
    with pytest.raises(LeakDetected, match=name):
        build_matrix(features(**{name: 1.0}), None, columns=columns)


def test_a_repeated_key_is_refused() -> None:
    with pytest.raises(ValueError, match="1 feature rows repeat"):
        build_matrix(features(customer_id=["a", "a", "c"]), None, columns=COLUMNS)


def test_an_infinite_ratio_is_refused() -> None:
    with pytest.raises(ValueError, match="orders_90d is infinite in 1 rows"):
        build_matrix(features(orders_90d=[1.0, np.inf, 2.0]), None, columns=COLUMNS)


def test_an_outcome_other_than_0_or_1_is_refused() -> None:
    with pytest.raises(ValueError, match="outcome must be 0 or 1"):
        build_matrix(features(), labels().assign(outcome=[2, 1]), columns=COLUMNS)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(KeyError, match="country"):
        build_matrix(features().drop(columns="country"), None, columns=COLUMNS)


def shop_with(**leak: object) -> tuple[pd.DataFrame, pd.DataFrame, Columns]:
    rng = np.random.default_rng(0)
    outcome = (rng.random(400) < 0.25).astype(int)
    rows = pd.DataFrame(
        {
            "customer_id": np.arange(400).astype(str),
            "as_of_date": MONDAY,
            "as_of_at": MONDAY,
            "newest_known_at": pd.NaT,
            "orders_90d": rng.poisson(1 + outcome),
            "country": rng.choice(["France", "Norway"], 400),
        }
    )
    for name, make in leak.items():
        rows[name] = make(outcome, rng)
    known = rows[["customer_id", "as_of_date"]].assign(outcome=outcome)
    numeric = tuple(name for name in leak if name != "country")
    return (
        rows,
        known,
        Columns(entity_id="customer_id", numeric=(*numeric, "orders_90d"), categorical=("country",)),
    )


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("orders_next_week", lambda outcome, rng: outcome + 0.3 * rng.random(400)),
        ("quiet_days_ahead", lambda outcome, rng: -outcome + 0.3 * rng.random(400)),
        ("delivered_at_day", lambda outcome, rng: np.where(outcome, rng.random(400), np.nan)),
        ("country", lambda outcome, _: np.where(outcome, "France", "Norway")),
    ],
)
def test_a_feature_that_separates_the_outcome_is_refused_by_name(name: str, make: object) -> None:
    rows, known, columns = shop_with(**{name: make})
    with pytest.raises(LeakDetected, match=f"feature '{name}'.*contains the outcome"):
        refuse_separating_features(build_matrix(rows, known, columns=columns), highest_auc=0.98)


def test_features_without_a_leak_pass() -> None:
    rows, known, columns = shop_with()
    refuse_separating_features(build_matrix(rows, known, columns=columns), highest_auc=0.98)


@pytest.mark.parametrize(("rows", "modulus"), [(0, 1), (100, 1), (101, 2), (250, 3)])
def test_the_sample_is_no_larger_than_requested(rows: int, modulus: int) -> None:
    assert sample_modulus(rows, at_most=100) == modulus
