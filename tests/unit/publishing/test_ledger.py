"""Every expected check has a row in the ledger, also without a result."""

from datetime import datetime

from assets.publishing.ledger import CheckResult, ledger_rows


def result(check_name: str, run_id: str = "run-2") -> CheckResult:
    return CheckResult(
        check_name=check_name,
        asset="ml/scores",
        as_of_date="2011-12-05",
        severity="error",
        status="passed",
        value=0.01,
        threshold=0.02,
        reason="gap within tolerance",
        run_id=run_id,
        checked_at=datetime(2026, 1, 1),  # noqa: DTZ001 - the ledger holds naive UTC
    )


def test_a_check_without_a_result_has_a_row() -> None:
    rows = ledger_rows(
        [result("keys_are_unique")],
        [("ml/scores", "keys_are_unique"), ("ml/scores", "scores_match_outcomes")],
        run_id="run-2",
        as_of="2011-12-05",
    )
    assert dict(zip(rows["check_name"], rows["status"], strict=True)) == {
        "keys_are_unique": "passed",
        "scores_match_outcomes": "not_run",
    }


def test_a_result_of_an_earlier_run_does_not_count_for_this_one() -> None:
    rows = ledger_rows(
        [result("keys_are_unique", run_id="run-1")],
        [("ml/scores", "keys_are_unique")],
        run_id="run-2",
        as_of=None,
    )
    assert list(rows["status"]) == ["passed", "not_run"]
