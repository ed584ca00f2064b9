"""A replay as a table, a sentence and a page; numbers worked out by hand."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from assets.monitoring.replay.report import HEADINGS, closing, date_line, formatted, markdown, page
from tests.unit.supervised.world import PROBLEM

COLUMNS = [
    *(
        "as_of_date",
        "n_scored",
        "expected_positives",
        "expected_positives_lo",
        "expected_positives_hi",
        "observed_positives",
        "auc",
        "slope",
    ),
    *("status", "quality_grade", "drifted", "decisions"),
]


@pytest.fixture
def rows() -> pd.DataFrame:
    """Predicted 110 of 100, inside; 60 of 80, outside; withheld; and a date whose window has not ended."""
    replayed = [
        (date(2024, 1, 1), 1_200, 110.0, 90.0, 130.0, 100.0, 0.75, 1.02, "ok", "Good", None,
         "promote (new as-of date)"),
        (date(2024, 1, 8), 1_210, 60.0, 50.0, 70.0, 80.0, 0.65, 0.9, "ok", "Good", "spend, country",
         "refuse (features drifted); promote (features drifted)"),
        (date(2024, 1, 15), np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, "withheld", None, None,
         "withhold (realised calibration is out of tolerance)"),
        (date(2024, 1, 22), 1_230, 70.4, 55.0, 85.0, np.nan, np.nan, np.nan, "ok", "Good", None, None),
    ]  # fmt: skip
    return pd.DataFrame(replayed, columns=COLUMNS)


def test_a_date_is_formatted_for_reading(rows: pd.DataFrame) -> None:
    assert formatted(rows)[0] == {
        "as_of_date": "2024-01-01",
        "n_scored": "1,200",
        "expected_positives": "110",
        "interval": "90 to 130",
        "observed_positives": "100",
        "miss": "+10%",  # 110 / 100 - 1
        "auc": "0.750",
        "slope": "1.02",
        "status": "ok",
        "quality_grade": "Good",
        "drifted": "-",
        "decisions": "promote (new as-of date)",
    }
    assert formatted(rows)[1]["miss"] == "-25%"  # 60 / 80 - 1


def test_an_unknown_value_is_a_dash(rows: pd.DataFrame) -> None:
    withheld, waiting = formatted(rows)[2:]
    known = {"as_of_date": "2024-01-15", "status": "withheld", "decisions": rows["decisions"][2]}
    assert withheld == dict.fromkeys(HEADINGS, "-") | known
    assert [waiting[name] for name in ("expected_positives", "interval")] == ["70", "55 to 85"]
    assert [waiting[name] for name in ("observed_positives", "miss", "auc", "slope", "decisions")] == [
        "-"
    ] * 5


def test_a_date_without_an_observed_outcome_has_no_miss(rows: pd.DataFrame) -> None:
    none_bought = rows.assign(observed_positives=rows["observed_positives"].replace(100.0, 0.0))
    assert formatted(none_bought)[0]["miss"] == "-"
    # Only the 60 of 80 is left.
    assert "2 matured: mean AUC 0.700, miss median 25.0%, worst 25%" in closing(none_bought)


def test_the_closing_sentence_has_the_figures_of_the_matured_dates(rows: pd.DataFrame) -> None:
    # AUC (0.75 + 0.65) / 2; misses 10 % and 25 %, median 17.5 %; 100 lies in [90, 130], 80 not in [50, 70].
    assert closing(rows) == (
        "4 as-of dates, 2 matured: mean AUC 0.700, miss median 17.5%, worst 25%; 1 of 2 totals in their 95 % "
        "interval; promotions: 2, dates withheld: 1, with drift: 1."
    )


def test_without_a_matured_date_there_are_no_figures(rows: pd.DataFrame) -> None:
    assert closing(rows.iloc[2:]) == "No scored as-of date has matured yet."
    assert closing(rows.head(0)) == "No scored as-of date has matured yet."


def test_a_replayed_date_is_one_line(rows: pd.DataFrame) -> None:
    assert date_line(rows.iloc[[1]]) == (
        "2024-01-08: 60 of 1,210 customers (50 to 70), ok; decided: refuse (features drifted); "
        "promote (features drifted); drifted: spend, country"
    )
    assert date_line(rows.iloc[[2]]).startswith(
        "2024-01-15: no customer is scored, withheld; decided: withhold"
    )


def test_the_table_in_markdown_has_one_line_per_date(rows: pd.DataFrame) -> None:
    lines = markdown(rows).splitlines()
    assert len(lines) == 2 + len(rows)
    assert {line.count("|") for line in lines} == {len(HEADINGS) + 1}
    assert lines[0].startswith("| as-of date | customers | Σ probability | 95 % interval | observed |")
    assert lines[3].startswith(
        "| 2024-01-08 | 1,210 | 60 | 50 to 70 | 80 | -25% | 0.650 | 0.90 | ok | Good |"
    )


def test_the_page_shows_every_date_and_the_plot_and_needs_no_network(rows: pd.DataFrame) -> None:
    html = page(PROBLEM, rows)
    assert html.count("<tr>") == 1 + len(rows)
    assert html.count("data:image/png;base64,iVBOR") == 1
    assert all(day in html for day in ("2024-01-01", "2024-01-15", "2024-01-22"))
    assert closing(rows) in html
    assert not re.findall(r'(?:src|href)="?(?:https?:)?//', html)


def test_texts_from_the_data_are_escaped_in_html(rows: pd.DataFrame) -> None:
    html = page(
        replace(PROBLEM, question="Who buys <b>now</b>?"),
        rows.assign(drifted="<script>alert(1)</script>", decisions='promote ("5 < 6 & 7")'),
    )
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "5 &lt; 6 &amp; 7" in html
    assert "<b>" not in html


def test_a_replay_with_all_scores_withheld_has_a_page(rows: pd.DataFrame) -> None:
    html = page(PROBLEM, rows.iloc[[2]])
    assert "No scored as-of date has matured yet." in html
    assert html.count("data:image/png;base64,iVBOR") == 1
