"""After a complete run no personal value of the shop is readable in any file, the vault's included."""

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from assets.privacy.pii_scan import scan
from assets.sample_shop.world.customers import contacts_of, customers_of
from assets.sample_shop.world.shop import SIZES
from tests.journey.conftest import copied
from tests.journey.world import JOB, PROJECT, Place, RunResult

CUSTOMERS = 400
COLUMNS = ["first_name", "last_name", "email", "phone"]


@pytest.fixture(scope="module")
def shop(first_run: tuple[Place, RunResult]) -> Place:
    place, result = first_run
    assert result.code == 0, result.output
    return place


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """The shop's customers with their contacts, as exported."""
    customers = customers_of(SIZES["tiny"])
    return pd.concat([customers, contacts_of(customers)], axis="columns")[["customer_id", *COLUMNS]]


@pytest.fixture(scope="module")
def personal(people: pd.DataFrame) -> list[str]:
    """Each e-mail, each phone, and each name as written in text or in a CSV line."""
    names = {(first, last) for first, last in zip(people["first_name"], people["last_name"], strict=True)}
    written = [form.format(*name) for name in names for form in ("{} {}", "{},{}", "{1}, {0}")]
    return [*people["email"], *people["phone"], *written]


def test_no_personal_value_is_in_any_file_below_the_var_folder(
    shop: Place, personal: list[str], record_property: Callable[[str, object], None]
) -> None:
    found = scan([shop.var_dir], personal)
    record_property("scanned", f"{found.files} files, {found.bytes_read:,} bytes, {found.values} values")
    assert found.hits == {}
    assert found.files > 500
    assert found.bytes_read > 20_000_000
    assert found.values > 2 * CUSTOMERS


def test_the_scan_command_reports_the_extent_and_the_files_with_matches(
    first_run: tuple[Place, RunResult], personal: list[str], tmp_path: Path
) -> None:
    place = copied(first_run, tmp_path / "var")
    process = place.start("-m", "orchestration.cli.privacy.scan")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "found in 0 files" in output
    (place.folder / "reports").mkdir(exist_ok=True)
    (place.folder / "reports" / "notes.txt").write_text(personal[0])
    process = place.start("-m", "orchestration.cli.privacy.scan")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "found in 1 files" in output
    assert "notes.txt: 1 values" in output
    assert personal[0] not in output


def test_the_scan_finds_a_leaked_value(shop: Place, personal: list[str], tmp_path: Path) -> None:
    leaked = tmp_path / "warehouse.duckdb"
    shutil.copy(shop.warehouse, leaked)
    leaked.write_bytes(leaked.read_bytes() + personal[0].encode())
    assert scan([tmp_path], personal).hits == {leaked: 1}


def test_each_run_scans_every_file_and_records_the_result(shop: Place, tmp_path: Path) -> None:
    place = copied((shop, RunResult(code=0, output="")), tmp_path / "var")
    clean = place.published(SCAN_RESULTS)
    assert list(clean["status"]) == ["passed"]
    assert clean["reason"].iloc[0].startswith(f"{2 * CUSTOMERS:,} values of the vault were searched for")
    leaked = place.folder / "reports" / "notes.txt"
    leaked.parent.mkdir(exist_ok=True)
    leaked.write_text(f"call {contacts_of(customers_of(SIZES['tiny']))['phone'].iloc[0]} back")
    process = place.start("-c", JOB, "publish", str(clean["as_of_date"].iloc[0])[:10])
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    found = place.published(SCAN_RESULTS)
    assert list(found["status"]) == ["failed", "passed"]
    assert "found readable in reports/notes.txt (1)" in found["reason"].iloc[0]
    assert "notes.txt" in output


SCAN_RESULTS = """
    select status, reason, as_of_date from published.checks
    where check_name = 'no_personal_data_outside_vault' order by checked_at desc
"""


def test_the_vault_holds_every_value_and_decrypts_it_with_the_key(
    shop: Place, people: pd.DataFrame, tmp_path: Path
) -> None:
    place = copied((shop, RunResult(code=0, output="")), tmp_path / "var")
    result = python(place, READ)
    assert result.code == 0, result.output
    rows = pd.read_csv(place.var_dir / "values.csv", dtype=str)
    kept = {(row.customer_id, row.column): row.value for row in rows.itertuples()}
    expected = people.set_index("customer_id").astype(str).stack()
    assert kept == expected.to_dict()
    assert len(kept) == CUSTOMERS * len(COLUMNS)


READ = """
import sys
import pandas as pd
from orchestration.resources.vault_keys import vault_of
from orchestration.settings import Settings
settings = Settings()
vault = vault_of(settings, settings.load_business())
pd.DataFrame(vault.values(at_most=100_000)).to_csv(sys.argv[1], index=False)
"""


def python(place: Place, code: str) -> RunResult:
    process = place.start("-c", code, str(place.var_dir / "values.csv"))
    output, _ = process.communicate(timeout=300)
    return RunResult(code=process.returncode, output=output)


def test_the_key_of_the_simulated_shop_is_private_and_in_no_other_file(shop: Place) -> None:
    key = shop.var_dir / "keys" / "sample_shop.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    digits = key.read_text().strip()
    assert scan([shop.var_dir], [digits, digits.upper()], beside=[key]).hits == {}
    assert not [file for file in (PROJECT / "config").rglob("*.yaml") if digits in file.read_text()]


def test_after_a_key_rotation_only_the_new_key_decrypts(
    first_run: tuple[Place, RunResult], tmp_path: Path
) -> None:
    place = copied(first_run, tmp_path / "var")
    key = place.var_dir / "keys" / "sample_shop.key"
    old = key.read_text()
    process = place.start("-m", "orchestration.cli.privacy.rotate_vault_key")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert f"{CUSTOMERS * len(COLUMNS):,} values encrypted again" in output
    assert key.read_text() != old
    assert python(place, READ).code == 0
    assert len(pd.read_csv(place.var_dir / "values.csv")) == CUSTOMERS * len(COLUMNS)
    key.write_text(old)
    refused = python(place, READ)
    assert refused.code != 0
    assert "VaultKeyRefused: the vault is encrypted with key" in refused.output
    key.unlink()
    assert "is missing: put the vault's key there" in python(place, READ).output
