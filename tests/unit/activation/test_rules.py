"""Audiences of the YAML: rules over published columns, to which consent and holdout always apply."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from assets.activation.audience import NAME
from assets.activation.rules import CUSTOMERS, build_ruled_audiences, refuse_unusable_rules
from assets.activation.tables import AUDIENCE_TYPES
from assets.ingest.config.audiences import AudienceRule
from assets.ingest.config.business import BusinessInvalid
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import PROJECT, Settings, published_columns

COLUMNS = published_columns("customers_latest")
AS_OF = date(2024, 5, 6)
WIN_BACK = AudienceRule(
    name="win_back", where="churn_tier = 'high' -- who leave", rank_by="churn_expected_value", most=2
)
FILE = Path("shop.yaml")


def rule(**keys: str) -> AudienceRule:
    return AudienceRule.model_validate({"name": "a", "where": "is_overdue"} | keys)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    """Eight customers; five match the rule and have a value on the as-of date."""
    found = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    rows = [
        # customer, tier, value, consent, holdout, as-of date
        ("ann", "high", 10.0, True, False, AS_OF),
        ("bob", "high", 20.0, False, False, AS_OF),
        ("cat", "high", 30.0, True, True, AS_OF),
        ("dan", "high", 40.0, True, False, AS_OF),
        ("eve", "high", 5.0, True, False, AS_OF),
        ("fay", "low", 99.0, True, False, AS_OF),
        ("gus", "high", None, True, False, AS_OF),
        ("hal", "high", 50.0, True, False, date(2024, 4, 29)),
    ]
    names = ["customer_id", "churn_tier", "churn_expected_value", "consent_ads", "is_holdout", "as_of_date"]
    found.replace(CUSTOMERS, pd.DataFrame(rows, columns=names))
    return found


def test_a_rule_selects_by_its_column_and_never_without_consent(warehouse: DuckDBWarehouse) -> None:
    found = build_ruled_audiences(warehouse, [WIN_BACK], as_of=AS_OF)
    assert list(found.columns) == list(AUDIENCE_TYPES)
    assert set(found["audience"]) == {"win_back"}
    reasons = found.set_index("customer_id")["suppress_reason"]
    # Best first: Hal's newest row is older, Gus has no value, Fay is not likely to leave.
    assert list(reasons.index) == ["dan", "cat", "bob", "ann", "eve"]
    assert reasons.fillna("member").tolist() == ["member", "held_out", "no_consent", "member", "capped"]
    assert found["value"].tolist() == [40.0, 30.0, 20.0, 10.0, 5.0]


def test_without_rules_or_the_wide_table_there_are_no_rows(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    assert build_ruled_audiences(warehouse, [], as_of=AS_OF).empty
    empty = DuckDBWarehouse(database=str(tmp_path / "other.duckdb"))
    assert build_ruled_audiences(empty, [WIN_BACK], as_of=AS_OF).empty


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            {"where": "churn_teir = 'high'"},
            "where is .*has no column 'churn_teir': did you mean 'churn_tier'",
        ),
        ({"where": "churn_decile"}, "that is INTEGER, not a condition"),
        ({"where": "churn_tier > current_date"}, "function current_date is not allowed|no column"),
        ({"where": "customer_id in (select 'x')"}, "a subquery is not allowed there"),
        ({"where": "true) from customers; drop table customers; select (true"}, "not one SQL|more than one"),
        ({"where": "avg(historic_value) > 3"}, "function avg is not allowed"),
        ({"where": "rank() over () = 1"}, "a window over other rows is not allowed"),
        ({"where": "churn_decile ="}, "that is not one SQL expression"),
        ({"where": "historic_value > date '2024-01-01'"}, "audience a: where is .*[Cc]annot compare|cast"),
        ({"rank_by": "churn_tier"}, "rank_by is churn_tier: that is VARCHAR, not a number to rank by"),
        ({"name": NAME}, f"two audiences are called '{NAME}'"),
    ],
)
def test_a_rule_that_is_no_condition_on_a_customer_is_refused(keys: dict[str, str], words: str) -> None:
    with pytest.raises(BusinessInvalid, match=words):
        refuse_unusable_rules([rule(**keys)], COLUMNS, file=FILE)


def test_the_columns_are_those_of_the_published_table() -> None:
    assert COLUMNS["churn_tier"] == "varchar"
    refuse_unusable_rules(
        [WIN_BACK, rule(where="predicted_value_365d > 100 and is_high_value")], COLUMNS, file=FILE
    )


def test_the_rules_of_every_business_are_read() -> None:
    audiences = Settings(business=PROJECT / "config" / "sample_shop.yaml").load_business().audiences
    assert [each.name for each in audiences] == ["win_back", "best_customers", "about_to_leave"]
