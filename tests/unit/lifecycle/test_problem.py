"""A declaration that cannot be meant is refused when it is written."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from assets.churn.problem import CHURN
from assets.features.groups import FeatureGroup, NumericSlice
from assets.keys import Key
from assets.lifecycle.exclusion import Exclusion
from assets.propensity.problem import PURCHASE_PROPENSITY
from assets.supervised.problem import PromotionCriteria
from tests.unit.lifecycle.world import PROBLEM

FEATURE_MODELS = Path(__file__).parents[3] / "dbt_project" / "models" / "features"
KEYS_AND_TIMES = {"customer_id", "as_of_date", "as_of_at", "newest_known_at"}


def test_the_assets_of_a_problem_carry_its_name() -> None:
    assert PURCHASE_PROPENSITY.scores == Key("ml", "purchase_propensity__scores")
    assert PURCHASE_PROPENSITY.champion == Key("ml", "purchase_propensity__champion")


@pytest.mark.parametrize("table", PURCHASE_PROPENSITY.features, ids=lambda key: key.name)
def test_every_feature_column_is_used(table: Key) -> None:
    described = yaml.safe_load((FEATURE_MODELS / f"{table.name}.yml").read_text())["models"][0]["columns"]
    computed = {column["name"] for column in described} - KEYS_AND_TIMES
    assert computed <= set(PURCHASE_PROPENSITY.columns)


def test_both_questions_know_the_same_of_a_customer_and_one_leaves_out_the_gone() -> None:
    for shared in ("features", "numeric", "categorical", "recency", "slices", "reason_groups"):
        assert getattr(CHURN, shared) == getattr(PURCHASE_PROPENSITY, shared)
    permissions = Key("point_in_time", "pit_customer__eligibility")
    assert PURCHASE_PROPENSITY.sources == (permissions, *PURCHASE_PROPENSITY.features)
    assert CHURN.sources == (
        permissions,
        *CHURN.features,
        Key("point_in_time", "pit_customer__churn_status"),
    )
    # Of who said no and is gone as well the first reason is told: no more is said of them than that.
    assert [each.table for each in CHURN.exclusions] == [permissions, CHURN.sources[-1]]
    assert CHURN.label_is_absence_of_order


def test_a_changed_declaration_has_another_hash() -> None:
    assert PROBLEM.spec_hash == replace(PROBLEM).spec_hash
    assert PROBLEM.spec_hash != replace(PROBLEM, seed=7).spec_hash
    assert PROBLEM.spec_hash != replace(PROBLEM, criteria=PromotionCriteria(slice_tolerance=0.4)).spec_hash


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "Purchase"}, "'Purchase__candidate' is not a lower-case"),
        ({"question": "Who buys"}, "does not end in a question mark"),
        ({"horizon_days": 0}, "horizon_days is 0; at least 1"),
        ({"recency": "days"}, r"recency uses \['days'\]"),
        ({"numeric": ("days_since_order", "days_since_order")}, "listed twice: \\['days_since_order'\\]"),
        (
            {"exclusions": (Exclusion(table=Key("x", "y"), passthrough_columns=(("country", "string"),)),)},
            r"feature or carried column listed twice: \['country'\]",
        ),
        ({"max_training_rows": 10}, "max_training_rows 10 < floor 500"),
        (
            {"reason_groups": (FeatureGroup(name="x", columns=("shoe_size",), description=""),)},
            r"reason group 'x' uses \['shoe_size'\]",
        ),
    ],
)
def test_a_problem_names_the_value_and_the_bound(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(PROBLEM, **changed)  # type: ignore[arg-type]


def test_bands_and_gates_check_themselves() -> None:
    with pytest.raises(ValueError, match="1 labels for 1 cuts"):
        NumericSlice(name="x", column="x", cuts=(1,), labels=("a",))
    with pytest.raises(ValueError, match="must rise"):
        NumericSlice(name="x", column="x", cuts=(2, 1), labels=("a", "b", "c"))
    with pytest.raises(ValueError, match="must lie around 1"):
        PromotionCriteria(slope_range=(1.1, 1.3))
