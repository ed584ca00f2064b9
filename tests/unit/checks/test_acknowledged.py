"""A check of what is usual can be acknowledged until a date, and says so; a check of truth cannot."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from assets.ingest.config.acknowledgement import OF_WHAT_IS_USUAL, Acknowledgement
from assets.ingest.config.business import BusinessInvalid
from checks.data.acknowledged import acknowledged, with_acknowledgements
from checks.data.history import history_invariants
from checks.verdict import Verdict
from orchestration.capabilities import all_checks
from orchestration.settings import PROJECT, Settings

UNTIL = date(2026, 1, 12)
CLOSED = Acknowledgement(
    check="sources_are_fresh", until=UNTIL, reason="closed for renovation", table="order_lines"
)
LATE = Verdict(passed=False, reason="30 days of silence, 4 allowed", value=30.0, threshold=4.0)


def judged(
    verdict: Verdict = LATE, check: str = CLOSED.check, table: str = "order_lines", as_of: date = UNTIL
) -> Verdict:
    return acknowledged(verdict, check, table=table, as_of=as_of, given=[CLOSED])


def test_it_passes_up_to_the_date_and_says_why() -> None:
    found = judged()
    assert found.passed
    assert found.reason == f"acknowledged until 2026-01-12 (closed for renovation): {LATE.reason}"
    assert (found.value, found.threshold) == (30.0, 4.0)


def test_after_the_date_for_another_table_or_another_check_it_fails() -> None:
    assert not judged(as_of=date(2026, 1, 19)).passed
    assert not judged(table="events").passed
    assert not judged(check="row_volume_is_normal").passed
    fine = Verdict(passed=True, reason="fresh")
    assert judged(fine) is fine


def test_the_history_can_be_acknowledged() -> None:
    first = history_invariants()[0]
    broken = replace(first, check=lambda *_: LATE)
    given = Acknowledgement(check=first.name, until=UNTIL, reason="moved house")
    assert with_acknowledgements(broken, [given]).check(None, UNTIL).passed  # type: ignore[arg-type]
    assert not with_acknowledgements(broken, []).check(None, UNTIL).passed  # type: ignore[arg-type]


def test_every_name_is_a_check_and_no_other_check_can_be_acknowledged(tmp_path: Path) -> None:
    shop = Settings(business=PROJECT / "config" / "sample_shop.yaml", var_dir=tmp_path).load_business()
    names = {key.name for each in all_checks(tmp_path, shop) for key in each.check_keys}
    assert names >= {*OF_WHAT_IS_USUAL}
    for name in names - {*OF_WHAT_IS_USUAL}:
        with pytest.raises(ValidationError, match="only checks of what is usual can"):
            Acknowledgement(check=name, until=UNTIL, reason="we know")


def test_the_yaml_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    text = (PROJECT / "config" / "sample_shop.yaml").read_text(encoding="utf-8")
    file.write_text(
        f"{text}\nacknowledged: [{{check: cohort_is_scored_once, until: 2026-01-12, reason: we know}}]\n"
    )
    with pytest.raises(BusinessInvalid, match=r"acknowledged\.0\.check: 'cohort_is_scored_once' cannot be"):
        Settings(business=file, var_dir=tmp_path).load_business()
