"""Rules of the raw tables' contracts."""

import pytest

from assets.ingest.config.contract import Contract
from assets.ingest.config.contracts import CONTRACTS


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.table)
def test_every_number_and_every_moment_must_be_finite(contract: Contract) -> None:
    refused = [rule.broken_when for rule in contract.all_rules]
    for column in contract.columns:
        is_checked = any(condition.startswith(f"not isfinite({column.name})") for condition in refused)
        assert is_checked == (column.type in {"double", "date", "timestamp"}), column.name
