"""The checks of the segments bound to their assets."""

from collections.abc import Callable
from datetime import date

import dagster as dg
import pandas as pd

from assets.keys import Key
from assets.lifecycle.cohort import PERMISSIONS
from assets.ports import Warehouse
from assets.segments.model import BEHAVIOUR, Segmentation
from checks.binding import Judge, as_of_run, check_of
from checks.capabilities.segments import (
    everyone_is_in_one_segment,
    no_segment_is_a_handful,
    one_name_per_key,
    profiles_add_up,
    segments_are_stable,
    segments_contract,
)
from checks.data.completeness import rows_keep_their_contract
from checks.verdict import Verdict

Judged = Callable[[Warehouse, date], Verdict]


def segment_checks(segmentation: Segmentation) -> list[dg.AssetChecksDefinition]:
    """What must hold before segments are published, and what a person should look at."""
    key, judges = segmentation.assignments, _Judges(segmentation)
    return [
        check_of(key, "everyone_is_in_one_segment", _of_day(judges.everyone), why=everyone_is_in_one_segment),
        check_of(key, "segments_keep_their_contract", _of_day(judges.contract), why=segments_contract),
        check_of(key, "one_name_per_key", _of_day(judges.named), why=one_name_per_key),
        check_of(
            key,
            "no_segment_is_a_handful",
            _of_day(judges.handful),
            why=no_segment_is_a_handful,
            is_blocking=False,
        ),
        check_of(
            key, "segments_are_stable", _of_day(judges.stable), why=segments_are_stable, is_blocking=False
        ),
        check_of(segmentation.profiles, "profiles_add_up", _of_day(judges.profiled), why=profiles_add_up),
    ]


class _Judges:
    """The checks' reading of the tables of one grouping."""

    def __init__(self, segmentation: Segmentation) -> None:
        self._segmentation = segmentation
        self._table = segmentation.assignments.sql

    def everyone(self, warehouse: Warehouse, as_of: date) -> Verdict:
        cohort = f"(select customer_id from {PERMISSIONS.sql} where as_of_date = $as_of)"
        counted = warehouse.read(
            f"select scheme, count(*) as rows, count(distinct customer_id) as customers, "
            f"count(distinct customer_id) filter (where customer_id in {cohort}) as known "
            f"from {self._table} where as_of_date = $as_of group by 1",
            {"as_of": as_of},
        )
        customers = warehouse.read(f"select count(*) as n from {cohort}", {"as_of": as_of})["n"].iloc[0]
        return everyone_is_in_one_segment(counted, customers=int(customers))

    def contract(self, warehouse: Warehouse, as_of: date) -> Verdict:
        return rows_keep_their_contract(
            _on(warehouse, self._segmentation.assignments, as_of), segments_contract()
        )

    def named(self, warehouse: Warehouse, as_of: date) -> Verdict:
        pairs = warehouse.read(
            f"select distinct scheme, segment_key, segment_name from {self._table} "
            "where as_of_date <= $as_of and segment_key is not null",
            {"as_of": as_of},
        )
        return one_name_per_key(pairs)

    def handful(self, warehouse: Warehouse, as_of: date) -> Verdict:
        sizes = warehouse.read(
            f"select segment_name, count(*) as customers from {self._table} "
            "where as_of_date = $as_of and scheme = $scheme and segment_key is not null group by 1",
            {"as_of": as_of, "scheme": BEHAVIOUR},
        )
        counted = sizes.set_index("segment_name")["customers"]
        return no_segment_is_a_handful(counted, rules=self._segmentation.rules)

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
