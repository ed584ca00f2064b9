"""The PII scan reports the files that hold personal values, and never the values."""

from pathlib import Path

from assets.privacy.pii_scan import Scanned
from checks.privacy.vault_scan import no_personal_data_outside_vault

BELOW = Path("/var/shop")


def scanned(hits: dict[Path, int]) -> Scanned:
    return Scanned(files=1_234, bytes_read=56_789_000, values=800, hits=hits)


def test_a_clean_scan_reports_the_extent_of_the_search() -> None:
    verdict = no_personal_data_outside_vault(scanned({}), below=BELOW)
    assert verdict.passed
    assert verdict.reason == ("800 values of the vault were searched for in 1,234 files, 56.8 MB: none found")
    assert verdict.evidence["n"] == 800


def test_the_files_with_most_values_are_named_first() -> None:
    hits = {BELOW / f"part_{n}": n for n in range(1, 5)} | {Path("/dagster/log"): 9}
    verdict = no_personal_data_outside_vault(scanned(hits), below=BELOW)
    assert not verdict.passed
    assert verdict.value == 5
    assert "readable in /dagster/log (9), part_4 (4), part_3 (3) and 2 more" in verdict.reason
