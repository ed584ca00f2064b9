"""The audience and the lift as they are read from the tables of a warehouse."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from assets.activation.audience import audience_on
from assets.activation.defs import prepare
from assets.activation.lift import measured
from assets.activation.tables import AUDIENCE_SENDS, AUDIENCE_TYPES, AUDIENCES, SEND_TYPES
from assets.keys import Key
from assets.lifecycle.cohort import CONSENT_COLUMNS
from assets.lifecycle.store.schemas import typed
from checks.privacy.defs import CUSTOMERS, judged_audience
from orchestration.resources.warehouse import DuckDBWarehouse

MORNING, CONTACTED_ON = date(2024, 5, 6), date(2024, 4, 22)
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
    """Customer 0 is worth least; of the best one nothing is said; there are two horizons."""
    ids = [f"c{number:02d}" for number in range(customers)]
    shared = pd.DataFrame(
        {"customer_id": ids, "as_of_date": MORNING, "is_eligible": [*[True] * (customers - 1), False]}
    )
    marks = dict.fromkeys(CONSENT_COLUMNS, True) | {"is_holdout": False}
    warehouse.replace(PROPENSITY, shared.assign(probability=0.5, **marks))
    value = [
        shared.assign(horizon_days=days, predicted_value=[days * float(n) for n in range(customers)])
        for days in (30, 90)
    ]
    warehouse.replace(VALUE, pd.concat(value))


def test_value_is_the_probability_times_what_90_days_bring(warehouse: DuckDBWarehouse) -> None:
    score(warehouse)
    found = audience_on(warehouse, propensity=PROPENSITY, value=VALUE, as_of=MORNING)
    assert found["customer_id"].tolist() == ["c38", "c37", "c36", "c35"]
    assert found["value"].iloc[0] == 0.5 * 90 * 38
    assert set(found["fate"]) == {"member"}


def test_a_morning_whose_scores_were_withheld_has_no_audience(warehouse: DuckDBWarehouse) -> None:
    score(warehouse)
    assert audience_on(warehouse, propensity=PROPENSITY, value=VALUE, as_of=date(2024, 5, 13)).empty


@pytest.mark.parametrize(
    ("answer", "is_holdout", "without"),
    [(True, False, 0), (False, False, 1), (None, False, 1), (True, True, 1)],
)
def test_the_check_of_members_reads_the_answers_and_the_draw(
    warehouse: DuckDBWarehouse, answer: bool | None, is_holdout: bool, without: int
) -> None:
    member = {
        "audience": "a",
        "as_of_date": MORNING,
        "customer_id": "ann",
        "rank": 1,
        "value": 1.0,
        "fate": "member",
    }
    other = member | {"customer_id": "bob", "fate": "no_consent"}
    warehouse.replace(AUDIENCES, typed([member, other], AUDIENCE_TYPES))
    keys = pd.DataFrame([{"customer_id": "ann", "as_of_date": MORNING, "as_of_at": pd.Timestamp(MORNING)}])
    warehouse.replace(CUSTOMERS, keys.assign(is_holdout=is_holdout))
    told = pd.DataFrame(
        {
            "customer_id": ["ann"],
            "purpose": "advertising",
            "is_granted": True,
            "valid_from": pd.Timestamp(2024, 1, 1),
        }
    )
    warehouse.replace(ANSWERS, told.assign(is_granted=answer) if answer is not None else told.head(0))
    verdict = judged_audience(warehouse, MORNING)
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
                # Not over yet, and a campaign that held nobody back: neither says anything.
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
    found = measured(warehouse, as_of=MORNING).set_index("name")
    assert list(found.index) == ["m1", "all"]
    counts = found.loc["m1", ["contacted", "contacted_orderers", "held_out", "held_out_orderers"]]
    assert counts.tolist() == [4, 2, 3, 1]
    assert found.loc["m1", "difference"] == pytest.approx(2 / 4 - 1 / 3)


def test_an_audience_that_was_sent_is_held_against_its_own_held_out(warehouse: DuckDBWarehouse) -> None:
    fates = ["member", "held_out", "no_consent", "member", "held_out", "capped"]
    shared = {"audience": "a", "as_of_date": CONTACTED_ON, "value": 1.0}
    rows = [{**shared, "customer_id": f"c{n}", "rank": n, "fate": fate} for n, fate in enumerate(fates)]
    warehouse.replace(AUDIENCES, typed(rows, AUDIENCE_TYPES))
    warehouse.replace(SENDS, pd.DataFrame([message("x", "m3", "treated", CONTACTED_ON)]))
    warehouse.replace(
        ORDERS, pd.DataFrame([ordered("c0", date(2024, 4, 24)), ordered("c4", date(2024, 4, 24))])
    )
    send = dict.fromkeys(SEND_TYPES) | {
        "audience": "a",
        "as_of_date": CONTACTED_ON,
        "sent_at": pd.Timestamp(CONTACTED_ON),
    }
    warehouse.append(AUDIENCE_SENDS, typed([send | {"dry_run": True}], SEND_TYPES))
    assert measured(warehouse, as_of=MORNING).empty, "nobody was contacted by a dry run"
    for destination in ("google", "meta"):
        warehouse.append(
            AUDIENCE_SENDS, typed([send | {"dry_run": False, "destination": destination}], SEND_TYPES)
        )
    found = measured(warehouse, as_of=MORNING).set_index("name")
    assert list(found.index) == ["a 2024-04-22", "all"]
    # c4 is held out, but ranks behind the last member: who would have come after the cap is no control.
    counts = found.loc["all", ["contacted", "contacted_orderers", "held_out", "held_out_orderers"]]
    assert counts.tolist() == [2, 1, 1, 0]
