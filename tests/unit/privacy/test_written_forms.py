"""An id is found in each form that an export or this product writes, and inside no longer id."""

import csv
import gzip
import io
import json
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from assets.privacy.pii_scan import Delivered, SearchTerms, scan
from assets.privacy.unpacking import CHUNK
from assets.privacy.written_forms import bytes_of, is_distinctive, texts_of

NAMES = ['O"Brien-777', "back\\slash-99", "Zoë Ångström", "Smith, John", "a/b/c/d", "Tom & Jerry", "C100200"]


def as_csv(name: str) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(["1", name, "x"])
    return text.getvalue().encode()


def as_rejected_row_of_json(name: str) -> bytes:
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        cell = json.dumps({"name": name})
        (row,) = connection.execute("select to_json(struct_pack(cell := ?))::varchar", [cell]).fetchall()
    return str(row[0]).encode()


WRITTEN: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-16": lambda name: name.encode("utf-16"),
    "utf-16-be": lambda name: name.encode("utf-16-be"),
    "latin-1": lambda name: name.encode("latin-1"),
    "windows-1252": lambda name: name.encode("cp1252"),
    "nfd": lambda name: unicodedata.normalize("NFD", name).encode(),
    "json": lambda name: json.dumps([name]).encode(),
    "json, not ascii": lambda name: json.dumps([name], ensure_ascii=False).encode(),
    "json of PHP": lambda name: json.dumps([name]).replace("/", "\\/").encode(),
    "json in json": lambda name: json.dumps(json.dumps([name])).encode(),
    "csv": as_csv,
    "csv, utf-16": lambda name: as_csv(name).decode().encode("utf-16"),
    "rejected row": as_rejected_row_of_json,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", WRITTEN)
def test_an_id_is_found_in_every_form(tmp_path: Path, form: str, name: str) -> None:
    data = b"x" * 99 + WRITTEN[form](name) + b"y"
    (tmp_path / "plain").write_bytes(data)
    (tmp_path / "gzip").write_bytes(gzip.compress(data))
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("it", data)
    pd.DataFrame({"it": [data], "many": [[name]]}).to_parquet(tmp_path / "parquet", compression="zstd")
    found = scan([tmp_path], [name])
    assert {file.name for file in found.hits} == {"plain", "gzip", "zip", "parquet"}
    assert scan([tmp_path], [name.replace(name[1], "Q") + "Q"]).hits == {}


def test_both_normal_forms_are_one_text() -> None:
    name = "Zoë Ångström"
    composed, decomposed = unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)
    assert composed != decomposed
    assert texts_of(composed) == texts_of(decomposed)
    assert len(bytes_of("C100200")) == 3


def test_short_ids_and_numbers_are_not_distinctive() -> None:
    given = ["C1002", "C10020", "123456", "e\u0301" * 5, "e\u0301" * 6]
    assert [is_distinctive(each) for each in given] == [False, True, False, False, True]


def test_an_id_inside_a_longer_one_does_not_count_and_elsewhere_does() -> None:
    terms = SearchTerms(["C10020"], inside=["C100200", "XC10020"])
    pad = bytes(terms.overlap)
    assert terms.found_in(pad + b"C100200,XC10020,C100200" + pad) == set()
    for alone in (b"C10020", b"C100201", b"C100200C10020,", b"XC1002C10020"):
        assert terms.found_in(pad + alone + pad) == {"C10020"}
    assert terms.found_in(pad + "C100200".encode("utf-16-le") + pad) == set()
    assert terms.found_in(pad + "C10020".encode("utf-16-le") + pad) == {"C10020"}


@pytest.mark.parametrize("after", range(-8, 9))
def test_a_longer_id_across_two_chunks_hides_it_and_the_id_alone_is_found(tmp_path: Path, after: int) -> None:
    (tmp_path / "longer").write_bytes(b"-" * (CHUNK + after) + b"XC100200" + b"-" * 99)
    (tmp_path / "alone").write_bytes(b"-" * (CHUNK + after) + b"C10020" + b"-" * 99)
    (tmp_path / "start").write_bytes(b"C10020")
    found = scan([tmp_path], ["C10020"], inside=["C100200", "XC10020"])
    assert {file.name for file in found.hits} == {"alone", "start"}


@pytest.mark.parametrize("encoding", ["cp850", "gb18030", "shift_jis", "utf-32", "mac_roman", "cp1251"])
def test_an_id_is_found_in_an_encoding_that_a_source_declares(tmp_path: Path, encoding: str) -> None:
    name = "Жанна Ω-7" if encoding in ("gb18030", "shift_jis", "utf-32") else "Müller-777"
    name = "Жанна-777" if encoding == "cp1251" else name
    (tmp_path / "it").write_bytes(f"1;{name};2".encode(encoding))
    delivered = Delivered(folder=tmp_path / "none", encodings=(encoding,))
    assert scan([tmp_path], [name]).hits == {}
    assert scan([tmp_path], [name], delivered=delivered).hits == {tmp_path / "it": 1}
    assert scan([tmp_path], [f"{name}8"], delivered=delivered).hits == {}


SPELLED = {
    "no-break blank": "Zoë\u00a0Ångström",
    "invisible": "Zoë\u200b Ång\u00adström",
    "half composed": "Zoe\u0308 Ångström",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("spelled", SPELLED)
def test_a_delivered_file_is_searched_as_loading_spells_ids(
    tmp_path: Path, spelled: str, encoding: str
) -> None:
    text = f"1;{SPELLED[spelled]};2".encode(encoding, "ignore")
    (tmp_path / "it").write_bytes(text)
    (tmp_path / "it.gz").write_bytes(gzip.compress(text))
    (tmp_path / "longer").write_bytes(f"1;{SPELLED[spelled]}er;2".encode(encoding, "ignore"))
    terms, inside = ["Zoë Ångström"], ["Zoë Ångströmer"]
    if encoding == "cp1252" and spelled == "half composed":
        pytest.skip("Windows-1252 has no combining marks")
    assert scan([tmp_path], terms, inside=inside).hits == {}
    delivered = Delivered(folder=tmp_path, encodings=())
    found = scan([tmp_path], terms, inside=inside, delivered=delivered)
    assert {file.name for file in found.hits} == {"it", "it.gz"}
