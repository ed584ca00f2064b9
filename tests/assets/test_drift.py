"""Drift of a feature is an alarm that names it; customers without drift cause none."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.keys import DRIFT
from assets.lifecycle.promotion import REFERENCE_FILE
from assets.lifecycle.retrain_triggers import DRIFTED, pending_trigger
from assets.lifecycle.scoring import score
from assets.metrics.arrays import Texts
from assets.metrics.drift.effects import effects_of
from assets.metrics.drift.reference import reference_of
from assets.metrics.drift.sample import DriftSample
from assets.monitoring.drift import step
from assets.monitoring.drift.alarm import judge_drift
from assets.monitoring.drift.step import drift, page_of
from tests.assets.faults import FAULTS, UNDETECTED
from tests.assets.judged import failed, is_detected, results
from tests.assets.world import CUSTOMERS, LATER, PROBLEM, SPEC, WEEKS, World, checks_of
from tests.unit.supervised.world import as_of_days, shop

DATES = [day for day in as_of_days(WEEKS) if day >= LATER]
AMOUNT = "average_order_amount_365d"
Rows = pd.DataFrame


@pytest.fixture
def skipped_pages(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Paths of the pages that a run would draw, ten seconds each."""
    pages: list[Path] = []
    monkeypatch.setattr(step, "html_report", lambda *_sides, file, **_named: pages.append(file))
    return pages


def pence(rows: Rows, since: "pd.Series[bool]") -> Rows:
    return rows.assign(**{AMOUNT: rows[AMOUNT].mask(since, 100 * rows[AMOUNT])})


def pence_of_few(rows: Rows, since: "pd.Series[bool]") -> Rows:
    return pence(rows, since & (np.arange(len(rows)) % 20 == 0))


def pence_once(rows: Rows, since: "pd.Series[bool]") -> Rows:
    return pence(rows, since & (rows["as_of_date"] == pd.Timestamp(LATER)))


def lost(rows: Rows, since: "pd.Series[bool]") -> Rows:
    return rows.assign(**{AMOUNT: rows[AMOUNT].mask(since)})


def swapped(rows: Rows, since: "pd.Series[bool]") -> Rows:
    other = rows["country"].map({"France": "United Kingdom", "United Kingdom": "France"})
    return rows.assign(country=rows["country"].mask(since, other))


def renamed(rows: Rows, since: "pd.Series[bool]") -> Rows:
    return rows.assign(country=rows["country"].mask(since, rows["country"].replace("France", "FR")))


def recent_buyers(rows: Rows, since: "pd.Series[bool]") -> Rows:
    return rows.assign(days_since_order=rows["days_since_order"].mask(since, rows["days_since_order"] // 4))


INJECTED: dict[str, Callable[[Rows, "pd.Series[bool]"], Rows]] = {
    "an amount is in pence: 100 times as large": pence,
    "an amount is in pence for one customer in 20": pence_of_few,
    "an amount is in pence on one as-of date only": pence_once,
    "a column is lost": lost,
    "two categories are swapped, of 10 and 90 %": swapped,
    "a category of 10 % gets another name": renamed,
    "the customers are different: they bought four times as recently": recent_buyers,
}


def run_drift(world: World, as_of: date, *, page: Path | None = None) -> pd.DataFrame:
    return drift(world.run(as_of), page=page or world.folder / "page.html")


def alarms(world: World, as_of: date) -> dict[str, str]:
    return failed(checks_of(), world.warehouse, as_of=as_of, of=[SPEC.drifted])


@pytest.mark.usefixtures("skipped_pages")
@pytest.mark.parametrize("name", INJECTED)
def test_a_change_is_an_alarm_that_names_it_on_the_second_date(world: World, name: str) -> None:
    rows = shop(customers=CUSTOMERS, weeks=WEEKS)
    fault, since = FAULTS[name], rows["as_of_date"] >= pd.Timestamp(LATER)
    world.write(INJECTED[name](rows, since))
    for as_of_dates, day in enumerate(DATES[:2]):
        run_drift(world, day)
        if is_detected(fault, alarms(world, day), as_of_dates=as_of_dates):
            trigger = pending_trigger(SPEC, world.warehouse, as_of=day)
            assert trigger is not None
            assert (trigger.trigger, trigger.windows_violated) == (DRIFTED, 2)
            return
    assert fault.check == UNDETECTED
    rows_of_amount = world.table(DRIFT).query("slice_name == 'all' and feature == @AMOUNT")
    assert list(rows_of_amount.sort_values("as_of_date")["verdict"]) == ["watch", "stable"]


def test_swapped_categories_of_the_same_size_are_not_detected() -> None:
    fault = FAULTS["two categories of the same size are swapped"]

    def customers(country: Texts) -> DriftSample:
        return DriftSample(
            features=pd.DataFrame({"country": country}),
            score=None,
            customers=np.arange(country.size),
            as_of=np.full(country.size, np.datetime64(LATER)),
            slices={},
        )

    country = np.array(["FR", "UK"] * 500, dtype=object)
    found = effects_of(customers(country[::-1]), reference_of(customers(country)))
    assert [each.verdict for each in judge_drift([found, found])] == ["stable"]
    assert fault.check == UNDETECTED


def test_without_drift_no_date_is_an_alarm_and_no_other_check_fails(
    world: World, skipped_pages: list[Path]
) -> None:
    for day in DATES:
        run_drift(world, day)
        assert alarms(world, day) == {}
    assert len(skipped_pages) == len(DATES) == 4
    score(world.run(DATES[-1]))
    last = failed(checks_of(), world.warehouse, as_of=DATES[-1], of=[PROBLEM.scores])
    assert last == {}


@pytest.mark.usefixtures("skipped_pages")
def test_a_repeated_drift_step_changes_nothing(world: World) -> None:
    first = run_drift(world, LATER)
    before = world.table(DRIFT)
    assert before["feature"].nunique() == len(PROBLEM.columns) + 1  # the score
    pd.testing.assert_frame_equal(run_drift(world, LATER), first)
    pd.testing.assert_frame_equal(world.table(DRIFT), before)


def test_without_a_reference_nothing_is_compared_and_no_page_is_drawn(
    world: World, skipped_pages: list[Path]
) -> None:
    (reference,) = world.folder.rglob(REFERENCE_FILE)
    reference.unlink()
    row = run_drift(world, LATER).iloc[0]
    assert (row["n"], row["compared"]) == (CUSTOMERS, 0)
    assert (alarms(world, LATER), skipped_pages, world.table(DRIFT).empty) == ({}, [], True)


@pytest.mark.usefixtures("skipped_pages")
def test_a_champion_is_compared_with_its_own_earlier_dates_only(world: World) -> None:
    rows = shop(customers=CUSTOMERS, weeks=WEEKS)
    world.write(lost(rows, rows["as_of_date"] >= pd.Timestamp(LATER)))
    run_drift(world, LATER)
    with world.warehouse.connect() as connection:
        connection.execute(f"update {DRIFT.sql} set model_version = 'an earlier one'")
    run_drift(world, DATES[1])
    assert alarms(world, DATES[1]) == {}


@pytest.mark.evidently
def test_the_page_of_a_date_shows_its_columns(world: World, tmp_path: Path) -> None:
    page = page_of(tmp_path / "reports", PROBLEM.name, as_of=LATER)
    run_drift(world, LATER, page=page)
    assert page.name == f"purchase_propensity_{LATER}.html"
    bound = checks_of(reports=tmp_path / "reports")
    found = results(bound, world.warehouse, as_of=LATER, of=[SPEC.drifted])
    assert found["features_have_not_drifted"].metadata["page"].value == str(page)
    text = page.read_text(encoding="utf-8")
    assert all(name in text for name in PROBLEM.columns)
