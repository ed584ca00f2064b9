"""Ids compare however they are written, and a day without a time is no moment before a time of that day."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assets.connections import open_duckdb
from assets.ingest.config.business import BusinessInvalid, business_from
from assets.ingest.loading.load import load_sources
from assets.ingest.loading.pseudonyms import names_of
from assets.ingest.parsing.spelling import clean_id, normalised_id
from tests.warehouse.token_shop import ANNA, business, empty_vault


def load(folder: Path, file: str, content: str, source: Mapping[str, object]) -> duckdb.DuckDBPyConnection:
    """Load one source of a shop in Berlin, from one file."""
    (folder / file).write_text(content, encoding="utf-8")
    document = {
        "title": "Shop", "clock": "wall", "currency": "EUR", "time_zone": "Europe/Berlin",
        "first_as_of_day": "2023-01-02",
        "sources": [{"name": "rows", "files": f"{{data_dir}}/{file}", **source}],
    }  # fmt: skip
    shop = business_from(document, file=Path("shop.yaml"), data_dir=folder, landing_dir=folder)
    connection = open_duckdb()
    load_sources(connection, shop)
    return connection


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, min_size=20))
@example(["123.0", "\u00ad-0012.00\u3000", "e\u0301\u200e \x85", "1.0\n", "\u200b 1 \u0301"])
def test_python_and_sql_spell_an_id_alike(texts: list[str]) -> None:
    with open_duckdb() as connection:
        found = connection.execute(
            f"select {clean_id('text')} from unnest(?) as rows(text)", [texts]
        ).fetchall()
    assert [spelled for (spelled,) in found] == [normalised_id(text) or None for text in texts]
    assert all(normalised_id(spelled) == spelled for (spelled,) in found if spelled)


def test_a_person_may_write_an_id_as_a_file_does(tmp_path: Path) -> None:
    vault = empty_vault(tmp_path)
    plain = business(tmp_path, vault=False, customer_ids="as_delivered")
    assert names_of(plain, vault, [" 123.0\u202f", "Zoe\u0308"]) == ["123", "Zoë"]
    with_tokens = business(tmp_path)
    (token, same) = names_of(with_tokens, vault, [ANNA, f"\u200e{ANNA} "])
    assert token == same
    assert names_of(with_tokens, vault, [token]) == [token]


@pytest.mark.parametrize("file", ["leads.csv", "leads.jsonl"])
def test_a_day_is_not_before_a_time_of_that_day(tmp_path: Path, file: str) -> None:
    rows = [
        ("L1", "2023-03-01 09:15", "2023-03-01"),  # Won on its first day.
        ("L2", "2023-03-01 10:15", "2023-03-20"),
        ("L3", "2023-03-02 10:15", "2023-03-01"),
        ("L4", "2023-03-02 10:15", "2023-03-02 10:14"),
    ]
    if file.endswith(".csv"):
        content = "id,created,won\n" + "".join(f"{','.join(each)}\n" for each in rows)
    else:
        content = "".join(f'{{"id": "{a}", "created": "{b}", "won": "{c}"}}\n' for a, b, c in rows)
    columns = {"lead_id": "id", "created_at": "created", "won_at": "won"}
    connection = load(tmp_path, file, content, {"table": "leads", "columns": columns})
    loaded = connection.execute(
        "select lead_id, created_at::varchar, won_at::varchar from raw.leads"
    ).fetchall()
    # Berlin is one hour ahead of UTC.
    assert loaded == [
        ("L1", "2023-03-01 08:15:00", "2023-03-01 08:15:00"),
        ("L2", "2023-03-01 09:15:00", "2023-03-19 23:00:00"),
    ]
    reasons = [reason for (reason,) in connection.execute("select reason from raw.rejects").fetchall()]
    assert len(reasons) == 2
    assert all("won_at 2023-0" in reason and "is before created_at" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("order", "quote the name of a column that is a word of SQL or has a blank: '\"order\"'"),
        ("at", "'\"at\"'"),
        ("upper(group)", "'\"group\"'"),
        ("Order No", "'\"Order No\"'"),
        ("epoch_ms(placed::bigint)", "is read as local; map utc_from_milliseconds, or utc_from_seconds"),
        ("(" * 2000 + "a" + ")" * 2000, "nested too deeply"),
    ],
)
def test_a_mapping_that_cannot_be_taken_names_the_way_out(tmp_path: Path, sql: str, words: str) -> None:
    columns = {"lead_id": sql, "created_at": "created"}
    with pytest.raises(BusinessInvalid) as refused:
        load(tmp_path, "leads.csv", "order,created\n1,2023-01-01\n", {"table": "leads", "columns": columns})
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
