"""Personal values move from exports of every format to the vault, and rows of erased people are removed."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from assets.ingest.config.business import BusinessConfig, business_from
from assets.ingest.loading.load import LoadRecord, load_sources
from assets.ingest.loading.scratch import ERASED
from assets.privacy.pii_scan import scan
from assets.privacy.redaction.redact_exports import RedactionResult, redact_exports
from assets.privacy.vault_key import Keyring, VaultKey, VaultKeyRefused
from orchestration.resources.vault import SqliteVault

EMAILS = ["ann.archer@example.org", "bob.baker@example.org", 'cleo, "c" cole@example.org']
ROWS = pd.DataFrame({"id": ["C1", "C2", "C3"], "email": EMAILS, "country": ["DE", None, "FR"]})


def csv_of(delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    return ROWS.to_csv(index=False, sep=delimiter).encode(encoding)


def parquet_of(folder: Path) -> bytes:
    ROWS.to_parquet(folder / "made")
    return (folder / "made").read_bytes()


DELIVERED: dict[str, Callable[[Path], bytes]] = {
    "customers.csv": lambda _: csv_of(),
    "customers.csv.gz": lambda _: gzip.compress(csv_of(";"), mtime=0),
    "customers.tsv": lambda _: csv_of("\t"),
    "customers.jsonl": lambda _: ROWS.to_json(orient="records", lines=True).encode(),
    "customers.json": lambda _: ROWS.to_json(orient="records").encode(),
    "customers.parquet": parquet_of,
}


@pytest.fixture
def vault(tmp_path: Path) -> SqliteVault:
    return SqliteVault(tmp_path / "vault.sqlite", lambda: Keyring(current=VaultKey(b"\1" * 32)))


def business(
    tmp_path: Path, file: str, *, place: str = "landing_dir", has_vault: bool = True, **changes: object
) -> BusinessConfig:
    source: dict[str, object] = {
        "name": "customers",
        "table": "customers",
        "files": f"{{{place}}}/{file}",
        "pii": ["email"],
        "columns": {"customer_id": "id", "country": "country"},
        **changes,
    }
    document = {
        "title": "Shop",
        "clock": "wall",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "first_as_of_day": "2023-01-02",
        "vault": has_vault,
        "sources": [source],
    }
    folders = {"data_dir": tmp_path / "data", "landing_dir": tmp_path / "landing"}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    return business_from(document, file=Path("shop.yaml"), **folders)


def landed(shop: BusinessConfig, vault: SqliteVault) -> tuple[list[LoadRecord], pd.DataFrame, pd.DataFrame]:
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        landings = load_sources(connection, shop, vault)
        rows = connection.execute("select customer_id, country from raw.customers order by all").df()
        return landings, rows, connection.execute("select * from raw.rejects").df()


def kept(vault: SqliteVault) -> dict[str, str]:
    return {each.customer_id: each.value for each in vault.values(at_most=100)}


@pytest.mark.parametrize("file", DELIVERED)
def test_values_move_to_the_vault_and_loading_gives_the_same_rows(
    tmp_path: Path, vault: SqliteVault, file: str
) -> None:
    shop = business(tmp_path, file)
    delivered = tmp_path / "landing" / file
    delivered.write_bytes(DELIVERED[file](tmp_path))
    (tmp_path / "made").unlink(missing_ok=True)
    plain = landed(shop, vault)
    assert redact_exports(shop, vault) == RedactionResult(values_kept=3, files_rewritten=1)
    assert kept(vault) == dict(zip(ROWS["id"], EMAILS, strict=True))
    assert scan([tmp_path], EMAILS).hits == {}
    redacted = landed(shop, vault)
    assert redacted[0][0].rows_loaded == plain[0][0].rows_loaded == 3
    pd.testing.assert_frame_equal(redacted[1], plain[1])
    # A repeated run or delivery changes nothing.
    before = delivered.read_bytes()
    assert redact_exports(shop, vault) == RedactionResult()
    delivered.write_bytes(DELIVERED[file](tmp_path))
    assert redact_exports(shop, vault) == RedactionResult(files_rewritten=1)
    assert delivered.read_bytes() == before
    assert len(kept(vault)) == 3


def test_lines_above_the_header_and_the_encoding_stay(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(
        tmp_path,
        "customers.csv",
        skip_rows=2,
        encoding="windows-1252",
        columns={"customer_id": "id", "country": '"Größe"'},
    )
    delivered = tmp_path / "landing" / "customers.csv"
    table = ROWS.rename(columns={"country": "Größe"}).replace("DE", "5 €").to_csv(index=False, sep=";")
    delivered.write_bytes(f"sep=;\nExport of {EMAILS[0]}\n{table}".encode("windows-1252"))
    plain = landed(shop, vault)
    assert redact_exports(shop, vault) == RedactionResult(values_kept=3, files_rewritten=1)
    assert scan([tmp_path], EMAILS).hits == {}
    assert delivered.read_bytes().startswith("sep=;\nwithheld\nid;email;Größe\n".encode("windows-1252"))
    redacted = landed(shop, vault)
    assert redacted[0][0].rows_loaded == 3
    assert "5 €" in set(redacted[1]["country"])
    pd.testing.assert_frame_equal(redacted[1], plain[1])
    assert redact_exports(shop, vault) == RedactionResult()


def test_a_personal_column_of_parquet_is_emptied_with_blanks_around_its_name(
    tmp_path: Path, vault: SqliteVault
) -> None:
    shop = business(tmp_path, "customers.parquet")
    ROWS.rename(columns={"email": " Email "}).to_parquet(tmp_path / "landing" / "customers.parquet")
    assert redact_exports(shop, vault) == RedactionResult(values_kept=3, files_rewritten=1)
    assert scan([tmp_path], EMAILS).hits == {}


def test_files_outside_the_landing_folder_are_not_changed(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path, "customers.csv", place="data_dir")
    (tmp_path / "data" / "customers.csv").write_bytes(csv_of())
    assert redact_exports(shop, vault) == RedactionResult(values_kept=3)
    assert (tmp_path / "data" / "customers.csv").read_bytes() == csv_of()


def test_without_a_vault_nothing_is_stored_and_no_key_is_read(tmp_path: Path) -> None:
    def no_key() -> Keyring:
        raise AssertionError("the key was read")

    shop = business(tmp_path, "customers.csv", has_vault=False)
    (tmp_path / "landing" / "customers.csv").write_bytes(csv_of())
    assert redact_exports(shop, SqliteVault(tmp_path / "vault.sqlite", no_key)) == RedactionResult()
    assert not (tmp_path / "vault.sqlite").exists()


def test_without_a_key_no_file_is_touched(tmp_path: Path) -> None:
    def no_key() -> Keyring:
        raise VaultKeyRefused("no key is given")

    shop = business(tmp_path, "customers.csv")
    (tmp_path / "landing" / "customers.csv").write_bytes(csv_of())
    with pytest.raises(VaultKeyRefused):
        redact_exports(shop, SqliteVault(tmp_path / "vault.sqlite", no_key))
    assert (tmp_path / "landing" / "customers.csv").read_bytes() == csv_of()


def test_a_broken_line_leaves_no_text_and_is_still_rejected(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path, "customers.csv")
    (tmp_path / "landing" / "customers.csv").write_bytes(csv_of() + b"C4,dan.dyer@example.org\n")
    redact_exports(shop, vault)
    assert scan([tmp_path], [*EMAILS, "dan.dyer@example.org"]).hits == {}
    landings, _, rejects = landed(shop, vault)
    assert (landings[0].rows_in, landings[0].rows_loaded, landings[0].rows_rejected) == (4, 3, 1)
    assert rejects["reason"].item() == "the line is broken: too few columns"


def test_a_file_that_cannot_be_read_stays_as_it_was(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path, "customers*.csv")
    (tmp_path / "landing" / "customers_1.csv").write_bytes(csv_of())
    (tmp_path / "landing" / "customers_2.csv").write_bytes(b"id,country\nC9,DE\n")
    done = redact_exports(shop, vault)
    assert done == RedactionResult(values_kept=3, files_rewritten=1, unreadable=("customers_2.csv",))
    assert [each.quarantine_reason is None for each in landed(shop, vault)[0]] == [True, False]


@pytest.mark.parametrize("file", DELIVERED)
def test_rows_of_erased_customers_are_removed_and_not_stored_again(
    tmp_path: Path, vault: SqliteVault, file: str
) -> None:
    shop = business(tmp_path, file)
    (tmp_path / "landing" / file).write_bytes(DELIVERED[file](tmp_path))
    (tmp_path / "made").unlink(missing_ok=True)
    vault.mark_erased({"customer_id": ["C2"]})
    assert redact_exports(shop, vault) == RedactionResult(values_kept=2, files_rewritten=1, rows_removed=1)
    assert set(kept(vault)) == {"C1", "C3"}
    _, rows, rejects = landed(shop, vault)
    assert rows["customer_id"].tolist() == ["C1", "C3"]
    assert rejects.empty


def test_rows_of_erased_customers_in_other_folders_are_rejected_without_their_text(
    tmp_path: Path, vault: SqliteVault
) -> None:
    shop = business(tmp_path, "customers.csv", place="data_dir", has_vault=False)
    (tmp_path / "data" / "customers.csv").write_bytes(csv_of() + b"C2\n")
    vault.mark_erased({"customer_id": ["C2"]})
    landings, rows, rejects = landed(shop, vault)
    assert rows["customer_id"].tolist() == ["C1", "C3"]
    assert (landings[0].rows_in, landings[0].rows_loaded, landings[0].rows_rejected) == (4, 2, 2)
    assert set(rejects["reason"]) == {ERASED, "the line is broken: too few columns"}
    assert "C2" not in json.dumps(rejects.to_dict("records"), default=str)


def test_lines_that_get_their_customer_from_the_first_line_of_an_order_are_removed_with_it(
    tmp_path: Path, vault: SqliteVault
) -> None:
    columns = {
        "order_id": "no", "customer_id": "id", "ordered_at": "placed", "product_id": "sku", "quantity": "qty",
        "unit_price": "price",
    }  # fmt: skip
    shop = business(
        tmp_path, "orders.csv", table="order_lines", pii=(), columns=columns, fill_down="id", has_vault=False
    )
    lines = (
        "1,C1,2023-03-01,A,1,10",
        "1,,2023-03-01,B,1,30",
        "2,C2,2023-03-02,A,1,10",
        "2,,2023-03-02,B,1,30",
    )
    delivered = tmp_path / "landing" / "orders.csv"
    delivered.write_text("\n".join(("no,id,placed,sku,qty,price", *lines, "")))
    vault.mark_erased({"customer_id": ["C2"]})
    assert redact_exports(shop, vault) == RedactionResult(files_rewritten=1, rows_removed=2)
    assert [line[:2] for line in delivered.read_text().splitlines()] == ["no", "1,", "1,"]
