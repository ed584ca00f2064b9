"""Every fault of the table is injected by a test, and every check of the table exists."""

import re
from collections.abc import Iterator
from pathlib import Path

from checks.binding import bind
from checks.data.defs import landing_checks
from checks.data.history import history_invariants
from checks.data.plausibility import plausibility_invariants
from tests.assets.faults import FAULTS, HARMLESS, UNDETECTED, table
from tests.assets.world import checks_of

ROOT = Path(__file__).parents[2]


def dbt_checks() -> Iterator[str]:
    for file in (ROOT / "dbt_project" / "models").rglob("*.yml"):
        yield from re.findall(r"name: (\w+)$", file.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_check_of_the_table_exists() -> None:
    inputs = [*plausibility_invariants(), *history_invariants()]
    bound = [*checks_of(), *landing_checks(), *map(bind, inputs)]
    known = {spec.name for check in bound for spec in check.check_specs} | set(dbt_checks())
    assert {fault.check for fault in FAULTS.values()} - {HARMLESS, UNDETECTED} <= known


def test_every_fault_of_the_table_is_injected_by_its_name() -> None:
    texts = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_planted_*.py"))
    texts += (ROOT / "tests" / "assets" / "test_drift.py").read_text(encoding="utf-8")
    # The share of flipped outcomes is a parameter of the test.
    injected = [name for name in FAULTS if f'"{name}"' in re.sub(r"\{one_in\}", "10", texts)]
    rest = set(FAULTS) - set(injected)
    assert rest == {f"one published outcome in {share} is flipped" for share in (20, 50)}


def test_a_fault_has_a_number_of_dates_if_and_only_if_a_check_detects_it() -> None:
    for fault in FAULTS.values():
        assert (fault.as_of_dates is None) == (fault.check in (HARMLESS, UNDETECTED)), fault.name


def test_the_table_has_a_row_per_fault() -> None:
    assert len(table().splitlines()) == 2 + len(FAULTS)
    assert len(FAULTS) >= 30
