"""Audience and lift computed from the tables of a warehouse."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from assets.activation.audience import build_audience
from assets.activation.defs import prepare
from assets.activation.lift import measure_lift
from assets.activation.tables import AUDIENCE_EXPORTS, AUDIENCE_TYPES, AUDIENCES, EXPORT_TYPES
from assets.keys import Key
from assets.lifecycle.store.schemas import CONSENT_COLUMNS, typed
from checks.privacy.defs import CUSTOMERS, audience_verdict
from orchestration.resources.warehouse import DuckDBWarehouse

AS_OF, CONTACTED_ON = date(2024, 5, 6), date(2024, 4, 22)
PROPENSITY, VALUE = Key("ml", "purchase_propensity__scores"), Key("ml", "lifetime_value__scores")
SENDS, ORDERS, ANSWERS = (
    Key("marts", "fct_send"),
    Key("intermediate", "int_order__net_of_voids"),
    Key("marts", "fct_consent"),
)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    found = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    prepare(found)
    return found


def score(warehouse: DuckDBWarehouse, *, customers: int = 40) -> None:
    """Write scores of two horizons: value rises with the number, and the best customer is not eligible."""
    ids = [f"c{number:02d}" for number in range(customers)]
    shared = pd.DataFrame(
        {"customer_id": ids, "as_of_date": AS_OF, "is_eligible": [*[True] * (customers - 1), False]}
    )
    consent_columns = dict.fromkeys(CONSENT_COLUMNS, True) | {"is_holdout": False}
    warehouse.replace(PROPENSITY, shared.assign(probability=0.5, **consent_columns))
    value = [
        shared.assign(horizon_days=days, predicted_value=[days * float(n) for n in range(customers)])
        for days in (30, 90)
    ]
    warehouse.replace(VALUE, pd.concat(value))


def test_value_is_the_amount_expected_in_30_days_once(warehouse: DuckDBWarehouse) -> None:
    score(warehouse)
    found = build_audience(warehouse, propensity=PROPENSITY, value=VALUE, as_of=AS_OF)
    assert found["customer_id"].tolist() == ["c38", "c37", "c36", "c35"]
    assert found["value"].iloc[0] == 30 * 38
    assert found["suppress_reason"].isna().all()


def test_an_as_of_date_without_scores_has_no_audience(warehouse: DuckDBWarehouse) -> None:
    score(warehouse)
    assert build_audience(warehouse, propensity=PROPENSITY, value=VALUE, as_of=date(2024, 5, 13)).empty


@pytest.mark.parametrize(
    ("answer", "is_holdout", "without"),
    [(True, False, 0), (False, False, 1), (None, False, 1), (True, True, 1)],
)
def test_the_audience_check_reads_consent_answers_and_holdout(
    warehouse: DuckDBWarehouse, answer: bool | None, is_holdout: bool, without: int
) -> None:
    member = {
        "audience": "a",
        "as_of_date": AS_OF,
        "customer_id": "ann",
        "rank": 1,
        "value": 1.0,
        "suppress_reason": None,
    }
    other = member | {"customer_id": "bob", "suppress_reason": "no_consent"}
    warehouse.replace(AUDIENCES, typed([member, other], AUDIENCE_TYPES))
    keys = pd.DataFrame([{"customer_id": "ann", "as_of_date": AS_OF, "as_of_at": pd.Timestamp(AS_OF)}])
    warehouse.replace(CUSTOMERS, keys.assign(is_holdout=is_holdout))
    answers = pd.DataFrame(
        {
            "customer_id": ["ann"],
            "purpose": "advertising",
            "is_granted": True,
            "valid_from": pd.Timestamp(2024, 1, 1),
        }
    )
    warehouse.replace(ANSWERS, answers.assign(is_granted=answer) if answer is not None else answers.head(0))
    verdict = audience_verdict(warehouse, AS_OF)
    assert (verdict.value, verdict.passed) == (without, without == 0)


def message(customer: str, campaign: str, arm: str, sent_on: date) -> dict[str, object]:
    return {
        "campaign_id": campaign,
        "customer_id": customer,
        "arm": arm,
        "is_treated": arm == "treated",
        "sent_on": sent_on,
    }


def ordered(
    customer: str, day: date, *, is_purchase: bool = True, voided: date | None = None
) -> dict[str, object]:
    return {
        "customer_id": customer, "occurred_on": day, "is_purchase": is_purchase, "is_reversal": False,
        "voided_known_at": pd.Timestamp(voided) if voided else pd.NaT,
    }  # fmt: skip


def test_orders_of_the_week_count_once_per_contact(warehouse: DuckDBWarehouse) -> None:
    warehouse.replace(
        SENDS,
        pd.DataFrame(
            [
                *(message(name, "m1", "treated", CONTACTED_ON) for name in ("day0", "twice", "late", "none")),
                *(message(name, "m1", "control", CONTACTED_ON) for name in ("before", "voided", "day6")),
                # A window that has not ended, and a campaign without a control arm: neither is measured.
                message("day0", "m2", "treated", date(2024, 4, 30)),
                message("before", "m2", "control", date(2024, 4, 30)),
                message("day0", "m3", "treated", CONTACTED_ON),
            ]
        ),
    )
    rows = [
        ordered("day0", CONTACTED_ON), ordered("twice", date(2024, 4, 23)),
        ordered("twice", date(2024, 4, 24)),
        ordered("late", date(2024, 4, 29)), ordered("none", CONTACTED_ON, is_purchase=False),
        ordered("before", date(2024, 4, 21)), ordered("voided", CONTACTED_ON, voided=date(2024, 4, 23)),
        ordered("day6", date(2024, 4, 28)),
    ]  # fmt: skip
    warehouse.replace(ORDERS, pd.DataFrame(rows))
    found = measure_lift(warehouse, as_of=AS_OF).set_index("name")
    assert list(found.index) == ["m1", "all"]
    counts = found.loc["m1", ["contacted", "treated_conversions", "held_out", "control_conversions"]]
    assert counts.tolist() == [4, 2, 3, 1]
    assert found.loc["m1", "difference"] == pytest.approx(2 / 4 - 1 / 3)


def test_an_exported_audience_is_compared_with_its_own_holdout(warehouse: DuckDBWarehouse) -> None:
    reasons = [None, "held_out", "no_consent", None, "held_out", "capped"]
    shared = {"audience": "a", "as_of_date": CONTACTED_ON, "value": 1.0}
    rows = [
        {**shared, "customer_id": f"c{n}", "rank": n, "suppress_reason": reason}
        for n, reason in enumerate(reasons)
    ]
    warehouse.replace(AUDIENCES, typed(rows, AUDIENCE_TYPES))
    warehouse.replace(SENDS, pd.DataFrame([message("x", "m3", "treated", CONTACTED_ON)]))
    warehouse.replace(
        ORDERS, pd.DataFrame([ordered("c0", date(2024, 4, 24)), ordered("c4", date(2024, 4, 24))])
    )
    send = dict.fromkeys(EXPORT_TYPES) | {
        "audience": "a",
        "as_of_date": CONTACTED_ON,
        "sent_at": pd.Timestamp(CONTACTED_ON),
    }
    warehouse.append(AUDIENCE_EXPORTS, typed([send | {"dry_run": True}], EXPORT_TYPES))
    assert measure_lift(warehouse, as_of=AS_OF).empty, "a dry run contacts no customer"
    for destination in ("google", "meta"):
        warehouse.append(
            AUDIENCE_EXPORTS, typed([send | {"dry_run": False, "destination": destination}], EXPORT_TYPES)
        )
    found = measure_lift(warehouse, as_of=AS_OF).set_index("name")
    assert list(found.index) == ["a 2024-04-22", "all"]
    # c4 is held out, but ranks behind the last member: it would have been over the cap, so it is no control.
    counts = found.loc["all", ["contacted", "treated_conversions", "held_out", "control_conversions"]]
    assert counts.tolist() == [2, 1, 1, 0]
