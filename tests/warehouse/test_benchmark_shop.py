"""The shop of the benchmarks is built in an empty folder, as in a fresh clone: no dbt manifest is there."""

import os
from datetime import date
from pathlib import Path

import pytest

from benchmarks.shop import FEATURES, LABELS, POINT_IN_TIME, built_shop, make

MONDAY = date(2023, 12, 25)
# Written for good by Settings.export_dbt_environment: set here so that they are restored.
WRITTEN = ("WAREHOUSE", "RUN_TIME_ZONE", "RUN_AS_OF_FROM", "RUN_AS_OF_TO", "RUN_TODAY")


def test_the_compiled_features_of_a_new_shop_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WRITTEN:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    shop = built_shop(tmp_path, size="tiny")
    selected = (f"+{FEATURES},{POINT_IN_TIME}", FEATURES, LABELS)
    statements = shop.compiled(*selected, first=MONDAY, last=MONDAY, today=MONDAY)
    with shop.connect() as connection:
        make(connection, statements)
        days = connection.execute(f"select distinct as_of_date from features.{FEATURES}").fetchall()
    assert days == [(MONDAY,)]
