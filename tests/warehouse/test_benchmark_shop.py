"""The shop of the benchmarks is built in an empty folder, as in a fresh clone: no dbt manifest is there."""

import os
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.scoring import PROBLEM, eligible_rows
from benchmarks.shop import built_shop

MONDAYS = (date(2023, 9, 25), date(2023, 12, 25))
# Written for good by Settings.export_dbt_environment: set here so that they are restored.
WRITTEN = ("WAREHOUSE", "RUN_TIME_ZONE", "RUN_AS_OF_FROM", "RUN_AS_OF_TO", "RUN_TODAY")


def test_a_new_shop_has_the_rows_to_train_and_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WRITTEN:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    features, labels = eligible_rows(built_shop(tmp_path, size="tiny"), MONDAYS)
    assert {*PROBLEM.numeric, *PROBLEM.categorical, *PROBLEM.passthrough_columns} <= set(features.columns)
    assert [day.date() for day in pd.to_datetime(features["as_of_date"]).unique()] == list(MONDAYS)
    assert set(labels["outcome"]) == {0, 1}
