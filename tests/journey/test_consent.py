"""Shops in which nobody may be scored: the run completes, and the published rows say nothing."""

from datetime import date
from pathlib import Path

import pytest

from tests.journey.small_shop import CUSTOMERS, answer, deliver_orders, shop
from tests.journey.world import Place, RunResult

SCORED = ("purchase_propensity", "churn", "lifetime_value", "segments")
CONTENT = "probability is not null or reason_1_code is not null or base_rate is not null"


def is_warned(result: RunResult, *words: str) -> bool:
    warned = [line for line in result.output.splitlines() if "check somebody_can_be_scored" in line]
    return len(warned) == 1 and all(word in warned[0] for word in words)


@pytest.fixture(scope="module")
def withdrawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, RunResult]:
    """A shop that was scored, and scored again after everybody had withdrawn."""
    folder = tmp_path_factory.mktemp("withdrawn") / "exports"
    deliver_orders(folder)
    answer(folder, "1", status="yes", on=date(2024, 1, 1), purposes=("profiling", "advertising"))
    place = shop(folder)
    first = place.run()
    assert first.code == 0, first.output
    assert place.published("select count(*) as n from published.audiences")["n"].iloc[0]
    answer(folder, "2", status="no", on=date(2024, 9, 10), purposes=("profiling",))
    return place, place.run()


def test_a_withdrawal_by_everybody_is_published_and_ends_well(withdrawn: tuple[Place, RunResult]) -> None:
    place, result = withdrawn
    assert result.code == 0, result.output
    assert is_warned(result, f"none of {CUSTOMERS} customers has granted the purpose 'profiling'")
    assert place.published("select count(*) as n from published.audiences")["n"].iloc[0] == 0
    newest = place.published("select max(as_of_date) as day from published.segments")["day"].iloc[0]
    for name in SCORED:
        rows = place.published(f"select * from published.{name} where as_of_date = '{newest}'")
        assert rows["customer_id"].nunique() == CUSTOMERS, name
        assert set(rows["ineligible_reason"]) == {"no_consent"}
        assert not rows["is_eligible"].any()
        latest = place.published(f"select * from published.{name}_latest where is_eligible")
        assert latest.empty, f"{name}_latest serves scores of people who have withdrawn"
    assert place.published(f"from published.purchase_propensity_latest where {CONTENT}").empty
    assert place.published("from published.lifetime_value_latest where predicted_value is not null").empty
    assert place.published(f"from published.segment_profiles where as_of_date = '{newest}'").empty
    assert place.published(f"from published.prediction_totals where as_of_date = '{newest}'").empty


def test_the_withdrawal_wins_whatever_the_order_of_lines_and_files(
    withdrawn: tuple[Place, RunResult],
) -> None:
    place, _ = withdrawn
    # After the withdrawn shop: C000 and C001 contradict themselves in one file, C002 in two files.
    folder = Path(place.business).parent / "exports"
    answer(folder, "2", status="no", on=date(2024, 9, 9), purposes=("profiling",))
    again = [f"C{number:03},profiling,yes,2024-09-11" for number in range(CUSTOMERS)]
    lines = ["C000,profiling,no,2024-09-11", *again, "C001,profiling,no,2024-09-11"]
    (folder / "answers_3.csv").write_text("\n".join(["customer,purpose,status,answered_on", *lines]) + "\n")
    (folder / "answers_0.csv").write_text(
        "customer,purpose,status,answered_on\nC002,profiling,no,2024-09-11\n"
    )
    result = place.run()
    assert result.code == 0, result.output
    rows = place.published("from published.purchase_propensity_latest where consent_profiling is false")
    assert set(rows["customer_id"]) == {"C000", "C001", "C002"}
    assert set(rows["ineligible_reason"]) == {"no_consent"}
    assert place.kept("select count(*) as n from raw.rejects where table_name = 'consents'")["n"].iloc[0] == 0


@pytest.mark.parametrize("kind", ["guests", "another purpose"])
def test_a_shop_without_anybody_to_score_says_why(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "exports"
    deliver_orders(folder, are_guests=kind == "guests")
    answer(folder, "1", status="yes", on=date(2024, 1, 1), purposes=("advertising",))
    place = shop(folder)
    result = place.run()
    assert result.code == 0, result.output
    if kind == "guests":
        assert is_warned(result, "orders have an empty customer_id")
        assert place.published("from published.purchase_propensity").empty
    else:
        assert is_warned(result, "the purpose 'profiling'", f"advertising {CUSTOMERS}")
        assert set(place.published("from published.segments")["ineligible_reason"]) == {"no_consent"}
    assert place.published("from published.audiences").empty
