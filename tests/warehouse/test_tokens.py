"""Tokens replace customer ids: the delivered id is in no file, table or byte outside the vault."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from assets.ingest.config.business import BusinessInvalid
from assets.ingest.loading.load import load_sources
from assets.ingest.loading.pseudonyms import DELIVERED_IDS, names_of
from assets.privacy.pii_scan import scan
from assets.privacy.redaction.redact_exports import RedactionResult, redact_exports
from assets.privacy.vault_key import Keyring, VaultKey
from orchestration.resources.vault import SqliteVault
from tests.warehouse.token_shop import (
    ANNA,
    BOB,
    CLEO,
    FORMATS,
    NAMES,
    ORDERS,
    PEOPLE,
    TOKEN,
    business,
    deliver,
    empty_vault,
    landed,
    token_of,
)


@pytest.fixture
def vault(tmp_path: Path) -> SqliteVault:
    return empty_vault(tmp_path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_customer_has_one_token_everywhere_and_the_id_is_in_no_byte(
    tmp_path: Path, vault: SqliteVault, suffix: str
) -> None:
    shop = business(tmp_path, suffix)
    deliver(tmp_path, suffix)
    assert scan([tmp_path], NAMES).hits
    first = landed(tmp_path, shop, vault)
    anna, bob, cleo = (token_of(shop, vault, name) for name in (ANNA, BOB, CLEO))
    assert first["order_lines"]["order_id"].tolist() == ["O1", "O2", "O3", "O5"]
    bought = first["order_lines"].set_index("order_id")["customer_id"]
    assert {order: bought[order] for order in ("O1", "O2", "O3")} == {"O1": anna, "O2": bob, "O3": anna}
    assert pd.isna(bought["O5"])
    assert set(first["customers"]["customer_id"]) == {anna, bob, cleo}
    assert first["rejects"]["reason"].item().startswith("quantity 'many' is not a number")
    assert bob in first["rejects"]["raw_text"].item()
    assert scan([tmp_path], NAMES).hits == {}
    # What was written again is read again: nothing changes, neither there nor when it is delivered again.
    files = {file: file.read_bytes() for file in (tmp_path / "landing").iterdir()}
    assert redact_exports(shop, vault) == RedactionResult()
    second = landed(tmp_path, shop, vault)
    deliver(tmp_path, suffix)
    third = landed(tmp_path, shop, vault)
    for table in ("order_lines", "customers", "rejects", "load_log"):
        compared = [
            each[table].drop(columns="file_fingerprint", errors="ignore") for each in (first, second, third)
        ]
        pd.testing.assert_frame_equal(compared[0], compared[1])
        pd.testing.assert_frame_equal(compared[0], compared[2])
    assert {file: file.read_bytes() for file in files} == files


@pytest.mark.parametrize("suffix", FORMATS)
def test_files_in_other_folders_are_only_read_and_get_the_same_tokens(
    tmp_path: Path, vault: SqliteVault, suffix: str
) -> None:
    ours = business(tmp_path, suffix)
    deliver(tmp_path, suffix)
    tables = landed(tmp_path, ours, vault)
    (tmp_path / "warehouse.duckdb").unlink()
    theirs = business(tmp_path, suffix, place="data_dir")
    deliver(tmp_path, suffix, to="data")
    elsewhere = landed(tmp_path, theirs, vault)
    for table in ("order_lines", "customers"):
        pd.testing.assert_frame_equal(tables[table], elsewhere[table])
    assert elsewhere["rejects"]["reason"].tolist() == tables["rejects"]["reason"].tolist()
    # JSON has its columns in the order of their names there, in the order of the file here.
    assert token_of(theirs, vault, BOB) in elsewhere["rejects"]["raw_text"].item()
    assert (tmp_path / "data" / f"people.{suffix}").read_bytes() == FORMATS[suffix](PEOPLE, tmp_path)
    assert scan([tmp_path], NAMES, beside=[tmp_path / "data"]).hits == {}


def test_the_vault_keeps_ids_and_contacts_behind_tokens(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path)
    deliver(tmp_path, "csv")
    landed(tmp_path, shop, vault)
    anna, bob = token_of(shop, vault, ANNA), token_of(shop, vault, BOB)
    assert vault.tokens("customer_id", [ANNA])[ANNA] not in anna
    kept = {(each.customer_id, each.source, each.value) for each in vault.values([anna, bob], at_most=99)}
    assert kept == {
        (anna, DELIVERED_IDS, ANNA), (bob, DELIVERED_IDS, BOB),
        (anna, "people", ANNA), (anna, "people", "+4930111"), (bob, "people", BOB),
    }  # fmt: skip
    assert vault.read([anna]).iloc[0].tolist() == [anna, ANNA, "+4930111"]
    assert all(TOKEN.fullmatch(each) for each in vault.customers_of("people"))


def test_after_a_rotation_tokens_are_the_same(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path)
    deliver(tmp_path, "csv")
    before = landed(tmp_path, shop, vault)
    old, new = VaultKey(b"\1" * 32), VaultKey(b"\2" * 32)
    SqliteVault(vault.file, lambda: Keyring(current=old, following=new)).rotate()
    rotated = SqliteVault(vault.file, lambda: Keyring(current=new))
    deliver(tmp_path, "csv")
    (tmp_path / "warehouse.duckdb").unlink()
    after = landed(tmp_path, shop, rotated)
    pd.testing.assert_frame_equal(before["order_lines"], after["order_lines"])
    assert rotated.read([token_of(shop, rotated, ANNA)])["email"].tolist() == [ANNA]


def test_broken_lines_and_unclear_ids_are_rejected_and_not_shown(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path, place="landing_dir")
    lost = {
        "orders": b"O6,dan.dyer@example.org\nO7,\0eve.ely@example.org,2024-01-05 10:00,1\n",
        "people": b"\0eve.ely@example.org,+4930444,DE\n",
    }
    for place in ("landing", "data"):
        deliver(tmp_path, "csv", to=place)
        for name, lines in lost.items():
            with (tmp_path / place / f"{name}.csv").open("ab") as stream:
                stream.write(lines)
    ours = landed(tmp_path, shop, vault)["rejects"]
    assert scan([tmp_path], NAMES, beside=[tmp_path / "data"]).hits == {}
    (tmp_path / "warehouse.duckdb").unlink()
    theirs = landed(tmp_path, business(tmp_path, place="data_dir"), vault)["rejects"]
    assert scan([tmp_path], NAMES, beside=[tmp_path / "data"]).hits == {}
    pd.testing.assert_frame_equal(ours.drop(columns="raw_text"), theirs.drop(columns="raw_text"))
    assert all(TOKEN.fullmatch(each) for each in vault.customers_of())
    assert set(ours["reason"]) == {
        "quantity 'many' is not a number",
        "the line is broken: too few columns",
        "customer_id cannot be read, and is withheld",
    }


@pytest.mark.parametrize("name", ["id", "customer_id", "token", "cell", "is_ours", "reason", "rows", "cells"])
def test_the_id_s_column_may_be_called_anything(tmp_path: Path, vault: SqliteVault, name: str) -> None:
    columns = {"customer_id": f'"{name}"', "country": "country"}
    people = {"name": "people", "table": "customers", "files": "{landing_dir}/people.csv"}
    shop = business(tmp_path, sources=[{**people, "columns": columns, "pii": [name, "phone"]}])
    others = PEOPLE.drop(columns="email").assign(**dict.fromkeys(["token", "cell", "made"], "x"))
    others.assign(**{name: PEOPLE["email"]}).to_csv(tmp_path / "landing" / "people.csv", index=False)
    for _ in range(2):
        redact_exports(shop, vault)
        with duckdb.connect(config={"temp_directory": ""}) as connection:
            load_sources(connection, shop, vault)
            found = connection.execute("select customer_id from raw.customers order by rowid").fetchall()
        assert found == [(token_of(shop, vault, each),) for each in PEOPLE["email"]]
    assert vault.read([token_of(shop, vault, CLEO)])["phone"].tolist() == ["+4930333"]
    assert scan([tmp_path], NAMES).hits == {}


def test_of_a_file_that_two_sources_read_the_addresses_are_kept(tmp_path: Path, vault: SqliteVault) -> None:
    sources = business(tmp_path).model_dump(mode="json", exclude_unset=True)["sources"]
    both = [{**source, "files": "{landing_dir}/all.csv"} for source in sources]
    shop = business(tmp_path, sources=both)
    everything = ORDERS.assign(phone="+4930111", country="DE")
    everything.to_csv(tmp_path / "landing" / "all.csv", index=False)
    redact_exports(shop, vault)
    (bob,) = names_of(shop, vault, [BOB])
    assert vault.read([bob]).iloc[0].tolist() == [bob, BOB, "+4930111"]
    assert scan([tmp_path], NAMES).hits == {}


def test_a_file_of_nothing_but_broken_lines_is_written_again(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path)
    deliver(tmp_path, "csv")
    (tmp_path / "landing" / "orders_2.csv").write_bytes(b"no,Email,at,pieces\nO6,dan.dyer@example.org\n")
    landed(tmp_path, shop, vault)
    assert scan([tmp_path], NAMES).hits == {}


def test_a_file_without_a_header_is_put_aside_without_its_first_line(
    tmp_path: Path, vault: SqliteVault
) -> None:
    shop = business(tmp_path)
    deliver(tmp_path, "csv")
    (tmp_path / "landing" / "orders_2.csv").write_text("O9,eve.ely@example.org,2024-01-05 10:00,1\n")
    tables = landed(tmp_path, shop, vault)
    assert "is there no header line?" in tables["load_log"]["quarantine_reason"].dropna().item()
    assert scan([tmp_path / "warehouse.duckdb", tmp_path], NAMES, beside=[tmp_path / "landing"]).hits == {}


def test_numbers_of_parquet_become_tokens_of_their_text(tmp_path: Path, vault: SqliteVault) -> None:
    columns = {"customer_id": "nullif(client + 0, 0)", "visitor_id": "device", "occurred_at": '"at"'}
    events = {
        "name": "visits", "table": "events", "files": "{landing_dir}/events.parquet",
        "columns": {**columns, "event_type": "'page_view'"},
    }  # fmt: skip
    shop = business(tmp_path, sources=[events])
    rows = pd.DataFrame({"client": [700_001, 0], "device": ["V1", "V2"], "at": pd.Timestamp("2024-01-01")})
    rows.to_parquet(tmp_path / "landing" / "events.parquet")
    # The expression works on numbers; once the file was written again there are none.
    for _ in range(2):
        redact_exports(shop, vault)
        with duckdb.connect(config={"temp_directory": ""}) as connection:
            load_sources(connection, shop, vault)
            found = connection.execute("select customer_id, visitor_id from raw.events order by 2").fetchall()
        assert found == [(token_of(shop, vault, "700001"), "V1"), (None, "V2")]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"customer_id": "first || last"}, ["source people", "first || last", "names 2 columns"]),
        ({"customer_id": "'somebody'"}, ["source people", "'somebody'", "names 0 columns"]),
        (
            {"customer_id": "email", "country": "right(Email, 2)"},
            ["source people", "right(Email, 2)", "works on email"],
        ),
    ],
)
def test_an_id_that_cannot_be_replaced_by_a_token_is_refused(
    tmp_path: Path, vault: SqliteVault, columns: Mapping[str, str], words: list[str]
) -> None:
    people = {"name": "people", "table": "customers", "files": "{landing_dir}/people.csv", "columns": columns}
    shop = business(tmp_path, sources=[people])
    deliver(tmp_path, "csv")
    before = (tmp_path / "landing" / "people.csv").read_bytes()
    with pytest.raises(BusinessInvalid) as refused:
        redact_exports(shop, vault)
    assert all(each in str(refused.value) for each in ["shop.yaml", "customer_ids: tokens", *words])
    with duckdb.connect(config={"temp_directory": ""}) as connection, pytest.raises(BusinessInvalid):
        load_sources(connection, shop, vault)
    assert (tmp_path / "landing" / "people.csv").read_bytes() == before


def test_without_tokens_a_personal_id_is_refused_with_a_remedy(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path, customer_ids="as_delivered")
    deliver(tmp_path, "csv")
    with pytest.raises(BusinessInvalid, match="to replace it by a token, set customer_ids: tokens"):
        landed(tmp_path, shop, vault)


def test_an_id_that_only_begins_like_a_token_gets_one(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path)
    PEOPLE.assign(email=["token_1", "token_2", "token_nobody else"]).to_csv(
        tmp_path / "landing" / "people.csv", index=False
    )
    ORDERS.to_csv(tmp_path / "landing" / "orders.csv", index=False)
    tables = landed(tmp_path, shop, vault)
    tokens = [token_of(shop, vault, each) for each in ("token_1", "token_2", "token_nobody else")]
    assert tables["customers"]["customer_id"].tolist() == tokens
    assert names_of(shop, vault, tokens) == tokens


def test_without_a_vault_no_token_is_made_and_nothing_is_landed(tmp_path: Path) -> None:
    shop = business(tmp_path)
    deliver(tmp_path, "csv")
    with (
        duckdb.connect(config={"temp_directory": ""}) as connection,
        pytest.raises(ValueError, match="needs a vault"),
    ):
        load_sources(connection, shop, None)


def test_a_word_for_nobody_is_a_guest_under_its_token_too(tmp_path: Path, vault: SqliteVault) -> None:
    shop = business(tmp_path)
    rows = ORDERS.assign(Email=["NULL", BOB, "guest", BOB, ""], pieces="1")
    (tmp_path / "landing" / "orders.csv").write_bytes(FORMATS["csv"](rows, tmp_path))
    (tmp_path / "landing" / "people.csv").write_bytes(FORMATS["csv"](PEOPLE, tmp_path))
    bought = landed(tmp_path, shop, vault)["order_lines"].set_index("order_id")["customer_id"]
    assert bought[["O1", "O3", "O5"]].isna().all()
    assert set(bought[["O2", "O4"]]) == {token_of(shop, vault, BOB)}
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        counted = connection.execute("select guest_id, row_count from raw.guest_rows order by 1").fetchall()
    assert counted == [("guest", 1), ("null", 1)]
