"""Each ugly file loads right, or is refused row by row or as a whole, with a reason to act on."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pytest

from assets.ingest.config.business import BusinessInvalid, business_from
from assets.ingest.loading.load import LoadRecord, load_sources, quarantined_files
from tests.warehouse.reconciliation import reconciliation_gaps
from tests.warehouse.ugly import CORPUS, GOOD, ORDERS, REFUSED, Ugly, table

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "TimeZone": "UTC",
    "temp_directory": "",
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=SETTINGS) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    landing = tmp_path / "landing"
    landing.mkdir()
    return landing


def landed(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    source: Mapping[str, object],
    *,
    time_zone: str = "UTC",
) -> list[LoadRecord]:
    """Land in one transaction, as a run does: a file that fails must not end it."""
    document = {
        "title": "Shop", "clock": "wall", "currency": "EUR", "time_zone": time_zone,
        "first_as_of_day": "2023-01-02", "sources": [{**ORDERS, **source}],
    }  # fmt: skip
    business = business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)
    connection.execute("begin transaction")
    landings = load_sources(connection, business)
    connection.execute("commit")
    return landings


@pytest.mark.parametrize("ugly", CORPUS, ids=lambda ugly: ugly.what)
def test_an_ugly_file_has_the_outcome_in_the_corpus(
    connection: duckdb.DuckDBPyConnection, folder: Path, ugly: Ugly
) -> None:
    if not ugly.is_alone:
        (folder / "orders_a.csv").write_bytes(GOOD.replace(b"\n1,", b"\ngood,"))
    ugly.write(folder)
    landings = landed(connection, folder, ugly.source, time_zone=ugly.time_zone)
    assert reconciliation_gaps(landings) == []
    landing = landings[-1]
    assert landing.source_file == ugly.file
    loaded = connection.execute(
        "select order_id, customer_id, ordered_at, product_id, quantity, unit_price "
        "from raw.order_lines where source_file = ?",
        [ugly.file],
    ).fetchall()
    assert loaded == list(ugly.loaded)
    rejects = connection.execute(
        "select source_line, reason, raw_text from raw.rejects where source_file = ?", [ugly.file]
    ).fetchall()
    if ugly.quarantined is None:
        assert [line for line, _, _ in rejects] == [line for line, _ in ugly.rejected]
        assert all(words in got for (_, words), (_, got, _) in zip(ugly.rejected, rejects, strict=True)), (
            rejects
        )
        assert all(raw_text for _, _, raw_text in rejects)
        assert quarantined_files(landings) == []
    else:
        ((line, reason, raw_text),) = rejects
        assert (line, raw_text, reason) == (None, None, landing.quarantine_reason)
        assert ugly.quarantined in reason, reason
        assert (landing.rows_in, landing.rows_loaded, landing.rows_rejected) == (1, 0, 1)
        assert quarantined_files(landings) == [f"{ugly.file} (orders): {reason}"]
        assert landings[0].rows_loaded == 1


@pytest.mark.parametrize(("what", "source", "words"), REFUSED, ids=[what for what, _, _ in REFUSED])
def test_a_mapping_or_a_glob_that_reaches_out_is_refused(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    what: str,
    source: Mapping[str, object],
    words: str,
) -> None:
    (folder / "orders_a.csv").write_bytes(GOOD)
    connection.execute("create macro main.peek(id) as (select max(content) from read_text('/etc/passwd'))")
    with pytest.raises(BusinessInvalid) as refused:
        landed(connection, folder, source)
    assert words in str(refused.value), what
    assert "\n" not in str(refused.value)


def test_the_corpus_is_large_and_has_one_table_row_per_file() -> None:
    assert len(CORPUS) >= 34
    assert len({ugly.what for ugly in CORPUS}) == len(CORPUS)
    # A header, a rule and one row each.
    assert len(table().splitlines()) == 2 + len(CORPUS) + len(REFUSED)
