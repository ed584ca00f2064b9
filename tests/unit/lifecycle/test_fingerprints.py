"""Hashes change with the code and the data that they are of."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets import ASSETS
from assets.lifecycle.store.fingerprints import code_hash, data_hash, rows_hash
from orchestration.capabilities import CAPABILITIES
from tests.unit.supervised.world import matrix, shop

PACKAGES = sorted({"lifecycle", *(package for each in CAPABILITIES for package in each.spec.code)})


def test_hashes_change_with_code_and_data(tmp_path: Path) -> None:
    (tmp_path / "lifecycle" / "store").mkdir(parents=True)
    (tmp_path / "lifecycle" / "store" / "a.py").write_text("x = 1")
    before = code_hash(tmp_path, ("lifecycle",))
    (tmp_path / "lifecycle" / "store" / "a.py").write_text("x = 2")
    assert code_hash(tmp_path, ("lifecycle",)) != before
    whole = matrix(shop(customers=50, weeks=3))
    half, again = (whole.of(np.arange(len(whole)) % 2 == 0) for _ in range(2))
    assert data_hash(half) == data_hash(again)
    assert data_hash(half) != data_hash(whole)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_in_the_code_of_a_version_has_code(package: str, tmp_path: Path) -> None:
    # A folder that is not there would be hashed as no code, and no change would make a new version.
    assert code_hash(ASSETS, (package,)) != code_hash(tmp_path, (package,))


def test_another_number_or_order_makes_another_version() -> None:
    rows = pd.DataFrame({"amount": [0.3, 7.0], "customer_id": ["ann", "bob"]})
    assert rows_hash(rows) == rows_hash(rows.copy())
    # Even the last digit: it can move a customer across the edge of a bin, and so make another model.
    assert rows_hash(rows) != rows_hash(rows.assign(amount=[0.1 + 0.2, 7.0]))
    assert rows_hash(rows) != rows_hash(rows.iloc[::-1])
