"""Known values are found in every file format, without false matches."""

import gzip
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from assets.ingest.loading.pseudonyms import DELIVERED_IDS
from assets.privacy.pii_scan import SearchTerms, distinctive_values, scan, searchable_values
from assets.privacy.unpacking import CHUNK, raw_pieces
from assets.privacy.vault_key import Keyring, VaultKey
from orchestration.resources.vault import SqliteVault

ADDRESS, PHONE = "ann.archer100001@example.com", "+44 7700 0100001"
# Enough repeated rows that a database compresses them.
ROWS = 20_000


def people() -> pd.DataFrame:
    return pd.DataFrame({"email": [f"ben.baker{n}@example.com" for n in range(ROWS)] + [ADDRESS]})


def as_csv(folder: Path) -> None:
    people().to_csv(folder / "it", index=False)


def as_gzip(folder: Path) -> None:
    (folder / "it").write_bytes(gzip.compress(people().to_csv(index=False).encode()))


def as_zstd(folder: Path) -> None:
    with pa.OSFile(str(folder / "it"), "wb") as raw, pa.CompressedOutputStream(raw, "zstd") as packed:
        packed.write(people().to_csv(index=False).encode())


def as_parquet(folder: Path) -> None:
    people().to_parquet(folder / "it", compression="zstd")


def as_parquet_of_lists(folder: Path) -> None:
    people().assign(email=people()["email"].map(lambda each: [each])).to_parquet(folder / "it")


def as_zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "it", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.json", people().to_json())


def as_duckdb(folder: Path) -> None:
    rows = people()
    with duckdb.connect(str(folder / "it")) as connection:
        connection.register("incoming", rows)
        connection.execute("create schema raw")
        connection.execute("create table raw.people as from incoming order by email")


def as_sqlite_across_pages(folder: Path) -> None:
    with sqlite3.connect(folder / "it") as connection:
        connection.execute("create table events (body text)")
        connection.execute("insert into events values (?)", ["x" * 4070 + ADDRESS + "y" * 9000])


@pytest.mark.parametrize(
    "written",
    [as_csv, as_gzip, as_zstd, as_parquet, as_parquet_of_lists, as_zip, as_duckdb, as_sqlite_across_pages],
)
def test_a_value_is_found_in_every_format(tmp_path: Path, written: Callable[[Path], None]) -> None:
    written(tmp_path)
    found = scan([tmp_path], [ADDRESS, PHONE])
    assert found.hits == {tmp_path / "it": 1}
    assert (found.files, found.values) == (1, 2)
    assert found.bytes_read > 0
    assert not scan([tmp_path], ["ann.archer100002@example.com", PHONE]).hits


def test_deleted_rows_are_found_until_they_are_overwritten(tmp_path: Path) -> None:
    rows = people()
    with duckdb.connect(str(tmp_path / "it")) as connection:
        connection.register("incoming", rows)
        connection.execute("pragma force_compression = 'uncompressed'")
        connection.execute("create table people as from incoming")
        connection.execute("checkpoint")
        connection.execute("delete from people where email = $address", {"address": ADDRESS})
        connection.execute("checkpoint")
        assert connection.execute("select count(*) from people").fetchone() == (ROWS,)
    assert scan([tmp_path], [ADDRESS]).hits == {tmp_path / "it": 1}


def test_a_value_across_two_chunks_is_found(tmp_path: Path) -> None:
    packed = gzip.compress(b"x" * (CHUNK - 5) + ADDRESS.encode() + b"y" * 100, compresslevel=1)
    (tmp_path / "it").write_bytes(packed)
    assert scan([tmp_path], [ADDRESS]).hits == {tmp_path / "it": 1}


def test_adjacent_values_are_found_separately() -> None:
    terms = SearchTerms([ADDRESS, PHONE, "Ann Archer"])
    glued = f"{PHONE}{ADDRESS}{ADDRESS}Ann ArcherAnn".encode()
    assert terms.found_in(glued) == {ADDRESS, PHONE, "Ann Archer"}
    assert terms.found_in(f"{ADDRESS[1:]}{PHONE[:-1]}".encode()) == set()
    assert terms.found_in(ADDRESS.encode()[5:]) == set()


def test_excluded_folders_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    as_csv(tmp_path / "vault")
    (tmp_path / "empty").touch()
    assert scan([tmp_path], [ADDRESS], beside=[tmp_path / "vault"]).hits == {}
    assert scan([tmp_path / "vault"], [ADDRESS]).hits == {tmp_path / "vault" / "it": 1}


def test_a_file_deleted_during_the_scan_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_csv(tmp_path)
    (tmp_path / "gone").touch()

    def taken_away(file: Path, *, overlap: int) -> Iterator[bytes]:
        (tmp_path / "gone").unlink(missing_ok=True)
        return raw_pieces(file, overlap=overlap)

    monkeypatch.setattr("assets.privacy.pii_scan.raw_pieces", taken_away)
    found = scan([tmp_path], [ADDRESS])
    assert (found.files, found.hits) == (1, {tmp_path / "it": 1})


def test_a_value_shorter_than_an_anchor_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of the values are shorter than 4 bytes"):
        SearchTerms(["Ann", "Rose"])


def test_plain_words_are_not_distinctive_values(tmp_path: Path) -> None:
    vault = SqliteVault(tmp_path / "vault.sqlite", lambda: Keyring(current=VaultKey(b"\1" * 32)))
    assert searchable_values(vault) == set()
    kept = {
        "customer_id": "C1",
        "email": ADDRESS,
        "last_name": "Christmas",
        "first_name": "Ann",
        "house": "7",
    }
    vault.keep("customers", pd.DataFrame([kept | {"phone": PHONE}]))
    assert searchable_values(vault) == {ADDRESS, PHONE, "Christmas"}
    assert distinctive_values(vault) == {ADDRESS, PHONE}


def test_ids_behind_tokens_are_searched_unless_numeric(tmp_path: Path) -> None:
    vault = SqliteVault(tmp_path / "vault.sqlite", lambda: Keyring(current=VaultKey(b"\1" * 32)))
    number = "4930111222"
    vault.keep(DELIVERED_IDS, pd.DataFrame({"customer_id": ["t1", "t2"], "delivered_id": [ADDRESS, number]}))
    assert searchable_values(vault) == {ADDRESS}
    vault.keep("people", pd.DataFrame({"customer_id": ["t1"], "phone": [number]}))
    assert searchable_values(vault) == {ADDRESS, number}
