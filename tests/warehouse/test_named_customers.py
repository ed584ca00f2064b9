"""Ids are data: given one per line, whatever is in them, and refused where nothing knows them."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from assets.ingest.loading.load import load_sources
from assets.privacy.known_ids import UnknownCustomers
from assets.privacy.redaction.redact_exports import redact_exports
from orchestration.cli.privacy import erase, export_subject
from orchestration.cli.privacy.erase import Named, erase_requested, read_requests
from tests.warehouse.test_token_commands import Place
from tests.warehouse.token_shop import business

STAYS = "C100200"
IDS = ["Smith, John", 'O"Brien-777', "back\\slash-99", "Zoë Ångström", "C$1-$HOME", "a'b;--`x`", "1", STAYS]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A shop without tokens whose customers have the ids above."""
    place = Place(tmp_path, "csv", monkeypatch)
    people = {"name": "people", "table": "customers", "files": "{landing_dir}/people.csv"}
    columns = {"customer_id": "id", "country": "country"}
    place.declare(
        business(place.folder, sources=[people | {"columns": columns}], customer_ids="as_delivered")
    )
    cells = ['"' + each.replace('"', '""') + '",DE' for each in IDS]
    (place.folder / "landing" / "people.csv").write_text("\n".join(["id,country", *cells, ""]))
    redact_exports(place.shop, place.vault)
    with place.warehouse.connect() as connection:
        load_sources(connection, place.shop, place.vault)
    return place


def left(place: Place) -> set[str]:
    """Ids of the customers in the warehouse."""
    with place.warehouse.connect() as connection:
        return {name for (name,) in connection.execute("select customer_id from raw.customers").fetchall()}


def logged(place: Place) -> int:
    """Customers in the log of erasures."""
    with place.warehouse.connect() as connection:
        if not connection.execute("from duckdb_tables() where table_name = 'erasure_log'").fetchall():
            return 0
        ((people,),) = connection.execute("select count(distinct erasure_id) from ml.erasure_log").fetchall()
    return int(people)


@pytest.mark.parametrize("given_by", ["environment", "standard input"])
def test_ids_are_taken_as_they_are_one_per_line(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given_by: str
) -> None:
    lines = "\n".join(each for each in IDS if each != STAYS) + "\r\n\n"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(lines.encode())))
    monkeypatch.setenv("CUSTOMER", lines if given_by == "environment" else "-")
    assert erase.main() == 0
    assert "7 of 7 asked were known; 7 erased: 7 rows of tables" in capsys.readouterr().out
    assert left(place) == {STAYS}
    assert logged(place) == 7


@pytest.mark.parametrize(
    "name", ["no-such-customer-1", "Smith", "C10020", "C100200,C$1-$HOME", "2", "Zo\udceb"]
)
def test_an_unknown_id_is_refused_and_recorded_only_by_force(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("CUSTOMER", f"Smith, John\n{name}")
    assert erase.main() == 1
    refused = capsys.readouterr().err
    assert "1 of 2 asked were known; 1 erased: 1 rows of tables" in refused
    assert "the ids: line 2 of CUSTOMER. Correct them, or record them with make erase FORCE=yes" in refused
    assert name == "2" or name not in refused
    assert left(place) == {*IDS} - {"Smith, John"}
    assert logged(place) == 1
    assert place.vault.erased("customer_id", [name.encode("utf-8", "replace").decode()]) == frozenset()
    monkeypatch.setenv("FORCE", "yes")
    assert erase.main() == 0
    # The erased one is known to the vault.
    assert "1 of 2 asked were known; 2 erased: 0 rows of tables" in capsys.readouterr().out
    assert left(place) == {*IDS} - {"Smith, John"}
    assert logged(place) == 2


def test_an_id_in_a_file_that_was_not_loaded_is_known(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place.folder / "landing" / "people.csv").write_text("id,country\nnewcomer-5,DE\n")
    monkeypatch.setenv("CUSTOMER", "newcomer-5")
    assert erase.main() == 0
    assert "1 of 1 asked were known" in capsys.readouterr().out
    assert (place.folder / "landing" / "people.csv").read_text() == "id,country\n"


def test_known_requests_are_done_and_unknown_ones_stay_in_the_file(place: Place) -> None:
    file = place.settings.erasure_requests_file
    lines = ["Customer_ID", "Smith, John", '"O""Brien-777"', '"Zoë Ångström"', "nobody-at-all,2024-01-01", ""]
    file.write_bytes("\n".join(lines).encode("utf-8-sig") + "Zo\xeb\r\n".encode("latin-1"))
    request: Callable[[], object] = lambda: erase_requested(  # noqa: E731
        place.settings, place.shop, place.warehouse, place.vault, named=Named()
    )
    with pytest.raises(
        UnknownCustomers, match=r"3 of 5 asked .* line 5 of .*requests\.csv, line 6 of "
    ) as refused:
        request()
    assert "nobody" not in str(refused.value)
    assert left(place) == {*IDS} - {"Smith, John", 'O"Brien-777', "Zoë Ångström"}
    kept = file.read_bytes()
    assert kept == "\n".join([lines[0], lines[4], ""]).encode("utf-8-sig") + "Zo\xeb\r\n".encode("latin-1")
    before = file.stat().st_mtime_ns
    with pytest.raises(UnknownCustomers, match="0 of 2 asked were known; 0 erased"):
        request()
    # The sensor launches the job again when the file is written.
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (kept, before)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("a,b", "a,b"), ('"a,b"', "a,b"), ('"a""b"', 'a"b'), ('12"', '12"'), ('"a","b"', '"a","b"'),
        ('"a"b"', '"a"b"'), (" x ", "x"), ('"', '"'),
    ],
)  # fmt: skip
def test_a_line_of_the_file_is_one_id(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / "requests.csv").write_text(f"customer_id\n{line}\n")
    assert read_requests(tmp_path / "requests.csv") == {name: 2}


@pytest.mark.usefixtures("place")
def test_an_export_of_an_unknown_id_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUSTOMER", 'O"Brien-777')
    assert export_subject.main() == 0
    assert json.loads(capsys.readouterr().out)["delivered"]["customers"][0]["customer_id"] == 'O"Brien-777'
    for name, code in (("O", 1), ("nobody-at-all", 1), ("Smith, John\nC100200", 2), ("", 2)):
        monkeypatch.setenv("CUSTOMER", name)
        assert export_subject.main() == code
        assert capsys.readouterr().out == ""
