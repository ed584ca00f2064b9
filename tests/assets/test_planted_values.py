"""Faults of value: absurd amounts and dates, other currencies, one giant, and words for nobody."""

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from assets.keys import LOAD_LOG, raw
from checks.binding import bind
from checks.data.defs import landing_checks
from checks.data.plausibility import plausibility_invariants
from orchestration.resources.warehouse import DuckDBWarehouse
from tests.assets.faults import FAULTS, HARMLESS
from tests.assets.judged import failed, is_detected
from tests.assets.test_planted_deliveries import deliver, landed
from tests.warehouse import ugly

MONDAY = date(2023, 1, 30)
# Eight weeks in which twenty customers take turns, three orders a day.
ORDINARY = [
    ugly.cells(f"o{back}-{turn}", f"C{(3 * back + turn) % 20}", str(MONDAY - timedelta(days=back)))
    for back in range(56, 0, -1)
    for turn in range(3)
]
NEWEST = str(MONDAY - timedelta(days=1))


def failures(warehouse: DuckDBWarehouse) -> dict[str, str]:
    checks = [*landing_checks(), *map(bind, plausibility_invariants())]
    return failed(checks, warehouse, as_of=MONDAY, of=[raw("order_lines"), LOAD_LOG])


def rejected(warehouse: DuckDBWarehouse) -> list[str]:
    found = warehouse.read(
        "select source_file || ':' || source_line || ' ' || reason as reason from raw.rejects"
    )
    return [str(reason) for reason in found["reason"]]


def test_an_ordinary_shop_passes(tmp_path: Path) -> None:
    deliver(tmp_path, "orders_1.csv", *ORDINARY)
    assert failures(landed(tmp_path)) == {}


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "three test orders of 999,999 pieces",
            [ugly.cells(f"T{n}", "C1", NEWEST, qty="999999") for n in range(3)],
        ),
        ("one order of 2099", [ugly.cells("F1", "C1", "2099-12-31")]),
    ],
)
def test_an_absurd_line_is_rejected_and_changes_nothing(tmp_path: Path, name: str, lines: list[str]) -> None:
    fault = FAULTS[name]
    deliver(tmp_path, "orders_1.csv", *ORDINARY, *lines)
    warehouse = landed(tmp_path)
    reasons = rejected(warehouse)
    first = len(ORDINARY) + 2
    assert [each.split(" ")[0] for each in reasons] == [
        f"orders_1.csv:{first + n}" for n in range(len(lines))
    ]
    assert all(fault.message in each for each in reasons)
    assert len(warehouse.read("from raw.order_lines")) == len(ORDINARY)
    assert (fault.check, failures(warehouse)) == (HARMLESS, {})


def test_lines_in_another_currency_are_never_added(tmp_path: Path) -> None:
    fault = FAULTS["the shop bills in another currency from some day on"]
    billed = [f"{line},{'JPY' if number >= 3 * 28 else 'EUR'}" for number, line in enumerate(ORDINARY)]
    deliver(tmp_path, "orders_1.csv", *billed, header=f"{ugly.HEADER},cur")
    warehouse = landed(tmp_path, currency="cur")
    assert len(rejected(warehouse)) == 3 * 28
    assert set(warehouse.read("select currency from raw.order_lines")["currency"]) == {"EUR"}
    assert is_detected(fault, failures(warehouse), as_of_dates=0)


def test_a_giant_is_named_with_what_follows_it(tmp_path: Path) -> None:
    fault = FAULTS["one business customer buys more than all others together"]
    # The largest share of 421 customers that is no giant's is 5 %.
    others = [ugly.cells(f"s{n}", f"S{n}", NEWEST, sku=f"p{n % 60}") for n in range(400)]
    giant = [ugly.cells(f"B{n}", "B2B", NEWEST, sku=f"p{n}", qty="100") for n in range(60)]
    deliver(tmp_path, "orders_1.csv", *ORDINARY, *others, *giant)
    found = failures(landed(tmp_path))
    found.pop("row_volume_is_normal", None)
    assert is_detected(fault, found, as_of_dates=0)
    reason = found["nothing_has_an_outsized_share"]
    # 60 orders of 100 pieces and 568 of one: 6,000 of 6,568.
    assert "the customer of order 'B" in reason
    assert "has 91% of the spend (16,420 in all, of 421 customers; 5% is the bound)" in reason
    assert "the totals of lifetime_value" in reason


def test_a_word_for_nobody_is_no_customer(tmp_path: Path) -> None:
    fault = FAULTS["a third of the lines names the customer NULL"]
    lines = [ugly.cells(f"n{n}", "NULL", NEWEST) for n in range(len(ORDINARY) // 2)]
    deliver(tmp_path, "orders_1.csv", *ORDINARY, *lines)
    warehouse = landed(tmp_path)
    found = failures(warehouse)
    found.pop("row_volume_is_normal", None)
    assert is_detected(fault, found, as_of_dates=0)
    assert found[fault.check] == "ids of guests: 'null' in 84 rows of order_lines"
    assert "NULL" not in set(warehouse.read("select customer_id from raw.order_lines")["customer_id"])


def test_a_load_without_an_as_of_date_is_not_judged(tmp_path: Path) -> None:
    deliver(tmp_path, "orders_1.csv", ugly.cells("o1", "NULL"))
    warehouse = landed(tmp_path)
    context = SimpleNamespace(run=SimpleNamespace(tags={}))
    for bound in map(bind, plausibility_invariants()):
        result = bound.node_def.compute_fn.decorated_fn(context, warehouse)  # type: ignore[attr-defined]
        assert (result.passed, result.description) == (
            True,
            "the run has no as-of date to judge the exports on",
        )
