"""The checks of the segments bound to their assets."""

from collections.abc import Callable
from datetime import date

import dagster as dg
import pandas as pd

from assets.keys import Key
from assets.lifecycle.cohort import ELIGIBILITY
from assets.ports import Warehouse
from assets.segments.model import BEHAVIOUR, SegmentationSpec
from checks.binding import Judge, as_of_run, check_of
from checks.capabilities.segments import (
    cohort_has_one_row_per_scheme,
    profiles_add_up,
    segment_key_has_one_name,
    segments_are_large_enough,
    segments_are_stable,
    segments_contract,
)
from checks.data.completeness import rows_match_contract
from checks.verdict import Verdict

Judged = Callable[[Warehouse, date], Verdict]


def segment_checks(segmentation: SegmentationSpec) -> list[dg.AssetChecksDefinition]:
    """What must hold before segments are published, and what a person should look at."""
    key, judges = segmentation.assignments, _Judges(segmentation)
    return [
        check_of(
            key, "cohort_has_one_row_per_scheme", _of_day(judges.everyone), why=cohort_has_one_row_per_scheme
        ),
        check_of(key, "scores_match_contract", _of_day(judges.contract), why=segments_contract),
        check_of(key, "segment_key_has_one_name", _of_day(judges.named), why=segment_key_has_one_name),
        check_of(
            key,
            "segments_are_large_enough",
            _of_day(judges.handful),
            why=segments_are_large_enough,
            is_blocking=False,
        ),
        check_of(
            key, "segments_are_stable", _of_day(judges.stable), why=segments_are_stable, is_blocking=False
        ),
        check_of(segmentation.profiles, "profiles_add_up", _of_day(judges.profiled), why=profiles_add_up),
    ]


class _Judges:
    """The checks' reading of the tables of one grouping."""

    def __init__(self, segmentation: SegmentationSpec) -> None:
        self._segmentation = segmentation
        self._table = segmentation.assignments.sql

    def everyone(self, warehouse: Warehouse, as_of: date) -> Verdict:
        cohort = f"(select customer_id from {ELIGIBILITY.sql} where as_of_date = $as_of)"
        counted = warehouse.read(
            f"select scheme, count(*) as rows, count(distinct customer_id) as customers, "
            f"count(distinct customer_id) filter (where customer_id in {cohort}) as known "
            f"from {self._table} where as_of_date = $as_of group by 1",
            {"as_of": as_of},
        )
        customers = warehouse.read(f"select count(*) as n from {cohort}", {"as_of": as_of})["n"].iloc[0]
        return cohort_has_one_row_per_scheme(counted, customers=int(customers))

    def contract(self, warehouse: Warehouse, as_of: date) -> Verdict:
        return rows_match_contract(_on(warehouse, self._segmentation.assignments, as_of), segments_contract())

    def named(self, warehouse: Warehouse, as_of: date) -> Verdict:
        pairs = warehouse.read(
            f"select distinct scheme, segment_key, segment_name from {self._table} "
            "where as_of_date <= $as_of and segment_key is not null",
            {"as_of": as_of},
        )
        return segment_key_has_one_name(pairs)

    def handful(self, warehouse: Warehouse, as_of: date) -> Verdict:
        sizes = warehouse.read(
            f"select segment_name, count(*) as customers from {self._table} "
            "where as_of_date = $as_of and scheme = $scheme and segment_key is not null group by 1",
            {"as_of": as_of, "scheme": BEHAVIOUR},
        )
        counted = sizes.set_index("segment_name")["customers"]
        return segments_are_large_enough(counted, rules=self._segmentation.rules)

    def stable(self, warehouse: Warehouse, as_of: date) -> Verdict:
        told = warehouse.read(
            f"select scheme, max(stability_ari) as agreement, count(*) as customers from {self._table} "
            "where as_of_date = $as_of group by 1",
            {"as_of": as_of},
        )
        agreements = told.set_index("scheme")["agreement"]
        return segments_are_stable(agreements, customers=int(told["customers"].max() if len(told) else 0))

    def profiled(self, warehouse: Warehouse, as_of: date) -> Verdict:
        counted = warehouse.read(
            f"select scheme, count(segment_key) as customers from {self._table} "
            "where as_of_date = $as_of group by 1",
            {"as_of": as_of},
        )
        profiles = _on(warehouse, self._segmentation.profiles, as_of)
        return profiles_add_up(profiles, customers=counted.set_index("scheme")["customers"])


def _on(warehouse: Warehouse, key: Key, as_of: date) -> pd.DataFrame:
    return warehouse.read(f"select * from {key.sql} where as_of_date = $as_of", {"as_of": as_of})


def _of_day(judge: Judged) -> Judge:
    """A judge of one as-of day: that of the run."""
    return lambda context, warehouse: judge(warehouse, as_of_run(context))
