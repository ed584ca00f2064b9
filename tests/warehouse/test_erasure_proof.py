"""What an erasure proves: any id, in every form a file may hold it, and nobody else's."""

import csv
import gzip
import io
import json
import sqlite3
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assets.privacy.erasure.erase import PENDING, ErasureIncomplete, erase
from tests.warehouse.erasure_shop import ANN, BOB, Shop

HEADER = ["order", "customer", "at", "sku", "pieces", "price"]


def csv_of(*rows: Collection[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([HEADER, *rows])
    return text.getvalue()


def shop_of(folder: Path, *customers: str) -> Shop:
    """A shop in which each customer has a good line and one that is rejected."""
    lines = [
        (f"O{number}", customer, "2024-01-01 10:00", "tea", pieces, "1")
        for number, (customer, pieces) in enumerate(
            (each, pieces) for each in customers for pieces in ("1", "many")
        )
    ]
    return Shop(folder, orders=csv_of(*lines), people="id,email,country\n")


# Quarantined or never delivered: no source reads these files, so an erasure cannot rewrite them.
STRAY: dict[str, Callable[[str, Path], object]] = {
    "utf-16.csv": lambda name, file: file.write_text(csv_of(["O", name]), encoding="utf-16"),
    "utf-16-be.csv": lambda name, file: file.write_text(csv_of(["O", name]), encoding="utf-16-be"),
    "latin-1.csv": lambda name, file: file.write_bytes(csv_of(["O", name]).encode("latin-1")),
    "quoted.csv": lambda name, file: file.write_text(csv_of(["O", name])),
    "decomposed.csv": lambda name, file: file.write_text(unicodedata.normalize("NFD", name)),
    "ascii.json": lambda name, file: file.write_text(json.dumps([name])),
    "it.csv.gz": lambda name, file: file.write_bytes(gzip.compress(csv_of(["O", name]).encode())),
    "it.parquet": lambda name, file: pd.DataFrame({"who": [name]}).to_parquet(file),
    "it.zip": lambda name, file: zipfile.ZipFile(file, "w").writestr("it.json", json.dumps([name])),
}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        *((file, "Zoë Ångström") for file in STRAY),
        *(("quoted.csv", name) for name in ('O"Brien-777', "back\\slash-99", "Smith, John")),
        *(("ascii.json", name) for name in ('O"Brien-777', "back\\slash-99")),
    ],
)
def test_an_id_left_in_any_form_keeps_the_erasure_open(tmp_path: Path, file: str, name: str) -> None:
    shop = shop_of(tmp_path, name, BOB)
    STRAY[file](name, shop.landing / file)
    with pytest.raises(ErasureIncomplete, match=f"left in 1 files: .*{file}") as found:
        erase(shop.scope, [name])
    assert name not in str(found.value)
    (shop.landing / file).unlink()
    assert erase(shop.scope, []).people == 1


def test_an_id_inside_a_longer_one_is_searched_for(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "C10020", "C100200", BOB)
    note = tmp_path / "note.txt"
    note.write_text("C100200 and C10020")
    with pytest.raises(ErasureIncomplete, match=r"left in 1 files: .*note\.txt"):
        erase(shop.scope, ["C10020"])
    note.write_text("C100200 and C100200")
    erase(shop.scope, [])
    assert shop.rows("select distinct customer_id from raw.order_lines order by 1") == [(BOB,), ("C100200",)]
    assert shop.rows("select distinct proved_by from ml.erasure_log") == [("bytes",)]


def test_a_short_id_is_proved_by_cells_and_the_log_says_so(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "1", "11", "C1", "123456")
    (shop.landing / "stray.csv").write_text("1")
    done = erase(shop.scope, ["1", "123456"])
    assert done.remarks == f"; NOT compared with ids that are short or a number: {shop.landing / 'stray.csv'}"
    assert shop.rows("select distinct proved_by from ml.erasure_log") == [("cells",)]
    for table in ("order_lines", "rejects"):
        assert shop.rows(f"select customer_id from raw.{table} order by 1") == [("11",), ("C1",)]


def as_database(folder: Path) -> None:
    with Shop(folder / "other").warehouse.connect() as connection:
        connection.execute("create table published.it as select '1' as customer_id")


@pytest.mark.parametrize(
    "left",
    [
        as_database,
        lambda folder: pd.DataFrame({"customer_id": ["2", "1"], "n": [1, 1]}).to_parquet(folder / "it"),
    ],
)
def test_a_cell_left_with_a_short_id_keeps_the_erasure_open(
    tmp_path: Path, left: Callable[[Path], None]
) -> None:
    shop = shop_of(tmp_path, "1", "2")
    left(tmp_path)
    with pytest.raises(ErasureIncomplete, match="left in 1 files"):
        erase(shop.scope, ["1"])


def test_a_landed_row_that_was_not_removed_keeps_the_erasure_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_of(tmp_path, "1", "2")
    monkeypatch.setattr("assets.privacy.erasure.erase.redact_exports", lambda *_: None)
    with pytest.raises(ErasureIncomplete, match=r"left in 1 files: .*landing"):
        erase(shop.scope, ["1"])


def test_the_vault_names_nobody_whose_erasure_is_open_and_keeps_no_byte_afterwards(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, *(f"customer-{number}" for number in range(400)))
    kept = pd.DataFrame(
        {"customer_id": [f"customer-{number}" for number in range(400)], "email": "a@example.org"}
    )
    shop.vault.keep("people", kept)
    # A page that was split keeps a copy of a row that went to another page; here it is put there.
    with sqlite3.connect(shop.vault.file) as vault:
        vault.execute("pragma secure_delete = off")
        vault.execute("create table split (row text)")
        vault.execute("insert into split values (?)", ["customer-77 " * 9])
        vault.execute("drop table split")
    assert b"customer-77 " in shop.vault.file.read_bytes()
    (tmp_path / "note.txt").write_text("customer-77")
    with pytest.raises(ErasureIncomplete, match=r"left in 1 files: .*note\.txt"):
        erase(shop.scope, ["customer-77"])
    (name,) = shop.vault.customers_of(PENDING)
    assert b"customer-77\0" not in shop.vault.file.read_bytes()
    assert b"customer-77 " not in shop.vault.file.read_bytes()
    (tmp_path / "note.txt").unlink()
    assert (erase(shop.scope, []).people, shop.vault.customers_of(PENDING)) == (1, [])
    assert name not in shop.vault.customers_of()


def test_a_request_that_older_code_recorded_under_the_id_is_completed(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, ANN, BOB)
    shop.vault.keep(PENDING, pd.DataFrame({"customer_id": [ANN], "requested_at": ["2024-01-05"]}))
    assert erase(shop.scope, []).people == 1
    assert shop.vault.customers_of() == []
    assert shop.rows("select customer_id from raw.order_lines") == [(BOB,)]


CHARACTERS = "aB1 \"'\\,;|/&<%_-.\t€éÉßñЖ日😀" + "e\u0301"
IDS = st.text(CHARACTERS, min_size=1, max_size=14).map(str.strip).filter(bool)


def forms(name: str) -> set[bytes]:
    """What the shop's files could hold, worked out without the code under test."""
    normal = {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}
    texts = normal | {each.replace('"', '""') for each in normal}
    texts |= {json.dumps(each, ensure_ascii=is_ascii)[1:-1] for each in normal for is_ascii in (True, False)}
    return {each.encode(encoding) for each in texts for encoding in ("utf-8", "utf-16-le", "utf-16-be")}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.lists(IDS, min_size=2, max_size=5, unique_by=lambda name: unicodedata.normalize("NFC", name)))
@example(['O"Brien-777', 'O"Brien-7', "Smith, John"])
@example(["1", "11", "x' or '1'='1"])
@example(["Zoë Ångström", unicodedata.normalize("NFD", "Ångström, Zoë")])
def test_any_id_is_erased_from_all_bytes_and_nobody_else(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = shop_of(Path(folder), *names)
        before = {*shop.rows("select customer_id from raw.order_lines")}
        gone, *others = (str(name) for (name,) in sorted(before))
        erase(shop.scope, [gone])
        for table in ("order_lines", "rejects"):
            left = {*shop.rows(f"select customer_id from raw.{table} where customer_id is not null")}
            assert left == {(each,) for each in others}
        # Where the id is part of another one, or of any text, bytes prove nothing: the cells above do.
        is_part = any(form in other for form in forms(gone) for each in others for other in forms(each))
        if len(unicodedata.normalize("NFC", gone)) >= 6 and not is_part:
            data = [file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()]
            assert not [form for form in forms(gone) for each in data if form in each]
