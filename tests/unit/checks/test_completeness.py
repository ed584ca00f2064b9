"""Completeness checks pass complete tables, and count lost, duplicate and invalid rows in the others."""

import pandas as pd
import pandera.pandas as pa

from assets.ingest.loading.load import RejectReason
from checks.data.completeness import (
    cohort_is_scored_once,
    every_file_is_readable,
    every_row_is_accounted_for,
    few_rows_are_rejected,
    rows_match_contract,
)

CONTRACT = pa.DataFrameSchema(
    {
        "customer_id": pa.Column(nullable=False),
        "probability": pa.Column("float64", pa.Check.in_range(0, 1)),
        "score": pa.Column("int64"),
    },
    unique=["customer_id"],
    strict=True,
)


def load_log(*counts: tuple[int, int, int]) -> pd.DataFrame:
    rows = pd.DataFrame(list(counts), columns=["rows_in", "rows_loaded", "rows_rejected"])
    files = [f"orders_{number}.csv" for number in range(len(rows))]
    return rows.assign(source="orders", source_file=files, rows_left_out=0)


def rows(**changed: object) -> pd.DataFrame:
    whole = {"customer_id": ["ann", "bob", "cat"], "probability": [0.1, 0.2, 0.3], "score": [0, 50, 100]}
    return pd.DataFrame(whole | changed)


def test_every_row_is_accounted_for_when_each_file_adds_up() -> None:
    verdict = every_row_is_accounted_for(load_log((10, 8, 2), (5, 5, 0)))
    # Dagster refuses the boolean of numpy.
    assert verdict.passed is True
    assert (verdict.value, verdict.threshold, verdict.evidence["n"]) == (0.0, 0.0, 15.0)
    assert verdict.reason.startswith("15 rows in 2 files")


def test_a_lost_row_and_a_doubled_row_do_not_cancel_out() -> None:
    # The first file lost one row (10 - 8 - 1), the second doubled one (5 - 6 - 0): 2 rows are wrong, not 0.
    verdict = every_row_is_accounted_for(load_log((10, 8, 1), (5, 6, 0), (3, 3, 0)))
    assert not verdict.passed
    assert verdict.value == 2.0
    assert verdict.reason.startswith(
        "2 of 3 files lost or duplicated rows, 2 in all; orders_0.csv: 10 in, 8 loaded"
    )


def test_rows_left_out_are_accounted_for_and_named_by_source() -> None:
    log = load_log((10, 7, 1), (5, 5, 0))
    assert every_row_is_accounted_for(log).value == 2.0
    verdict = every_row_is_accounted_for(log.assign(rows_left_out=[2, 0]))
    assert verdict.passed
    assert verdict.reason.endswith("or left out by where: 2 of source orders")


def test_nothing_landed_is_nothing_lost() -> None:
    verdict = every_row_is_accounted_for(load_log())
    assert verdict.passed
    assert verdict.evidence["n"] == 0.0


def test_quarantined_files_are_named_with_the_remedy() -> None:
    verdict = every_file_is_readable(["a.csv (orders): it is empty"], files=12)
    assert (verdict.passed, verdict.value, verdict.evidence["n"]) == (False, 1.0, 12.0)
    assert verdict.reason == "1 of 12 files could not be read: a.csv (orders): it is empty"
    assert every_file_is_readable([], files=12).passed


def test_at_most_three_unreadable_files_are_spelled_out() -> None:
    verdict = every_file_is_readable([f"{name}.csv: it is empty" for name in "abcde"], files=5)
    assert verdict.reason.endswith("c.csv: it is empty; and 2 more")


def test_a_fully_scored_cohort_passes() -> None:
    verdict = cohort_is_scored_once(cohort=311, scored=311, strangers=0)
    assert verdict.passed
    assert (verdict.value, verdict.evidence["n"]) == (0.0, 311.0)


def test_a_customer_without_a_score_is_seen() -> None:
    verdict = cohort_is_scored_once(cohort=1_200, scored=1_199, strangers=0)
    assert not verdict.passed
    assert verdict.value == 1.0
    assert "1,199 of 1,200 customers" in verdict.reason


def test_a_score_that_belongs_to_nobody_is_seen_even_when_the_counts_agree() -> None:
    # One customer is missing and one row is a stranger's: 1 + 1 rows are wrong.
    verdict = cohort_is_scored_once(cohort=10, scored=9, strangers=1)
    assert not verdict.passed
    assert verdict.value == 2.0


def test_rows_that_match_contract_pass() -> None:
    verdict = rows_match_contract(rows(), CONTRACT)
    assert verdict.passed
    assert verdict.reason == "3 rows keep all 3 column rules"
    assert verdict.evidence["n"] == 3.0


def test_a_broken_rule_is_reported_with_column_and_row_count() -> None:
    verdict = rows_match_contract(rows(probability=[1.5, -0.1, 0.3]), CONTRACT)
    assert not verdict.passed
    assert verdict.value == 1.0
    assert "probability: in_range(0, 1) (2 rows)" in verdict.reason


def test_the_failing_values_stay_out_of_the_verdict() -> None:
    verdict = rows_match_contract(rows(customer_id=["ann@x.org", "ann@x.org", "cat"]), CONTRACT)
    assert not verdict.passed
    assert "customer_id" in verdict.reason
    assert "ann@x.org" not in verdict.reason


def test_a_missing_and_an_unknown_column_break_the_contract() -> None:
    verdict = rows_match_contract(rows().rename(columns={"score": "rank"}), CONTRACT)
    assert not verdict.passed
    assert verdict.value == 2.0
    assert "score" in verdict.reason
    assert "rank" in verdict.reason


def test_at_most_three_broken_rules_are_spelled_out() -> None:
    # Four rules break: a missing id, a probability above 1, a text score and an unknown column.
    broken = rows(customer_id=[None, "bob", "cat"], probability=[2.0, 0.1, 0.1], score=list("abc"), rank=1)
    verdict = rows_match_contract(broken, CONTRACT)
    assert verdict.value == 4.0
    assert verdict.reason.startswith("4 rules broken in 3 rows")
    assert verdict.reason.count(" rows)") == 3


def reason(rows: int, *, is_replaced: bool = False) -> RejectReason:
    return RejectReason(
        source="orders", reason="no date", remedy="strptime(day)", is_replaced=is_replaced, rows=rows
    )


def rejects(rows_in: int, rejected: int) -> pd.DataFrame:
    return pd.DataFrame({"rows_in": [rows_in], "rows_rejected": [rejected]}, index=["orders"]).rename_axis(
        "source"
    )


def test_a_source_with_more_rejects_than_allowed_is_named_with_the_remedies() -> None:
    verdict = few_rows_are_rejected(rejects(10, 3), [reason(3)], largest=0.2)
    assert verdict.passed is False
    assert (verdict.value, verdict.threshold, verdict.evidence["n"]) == (0.3, 0.2, 10.0)
    assert "orders: 30.0% of the rows are missing, 20% allowed" in verdict.reason
    assert "3 rows: no date (remedy: map strptime(day))" in verdict.reason


def test_as_many_rejects_as_allowed_pass_and_replaced_rows_do_not_count() -> None:
    assert few_rows_are_rejected(rejects(10, 2), [reason(2)], largest=0.2).passed is True
    both = [reason(2), reason(6, is_replaced=True)]
    assert few_rows_are_rejected(rejects(10, 8), both, largest=0.2).passed is True


def test_a_table_without_a_source_passes() -> None:
    assert few_rows_are_rejected(rejects(0, 0).iloc[:0], [], largest=0.2).passed is True
