"""Customers go by tokens: what they were delivered under is in no file, table or byte but the vault."""

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml

from assets.ingest.landing import land
from assets.ingest.sources import PLACED, Business, BusinessInvalid, business_from
from assets.ingest.tokens import DELIVERED_IDS, names_of
from assets.privacy.custody import Custody, take_custody
from assets.privacy.scan import scan
from assets.privacy.vault_key import Keyring, VaultKey
from orchestration import audience, erase, export_subject
from orchestration.keyring import vault_of
from orchestration.resources.vault import SqliteVault
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings

ANNA, BOB, CLEO = "anna.archer@example.org", "bob.baker@example.org", "cleo.cole@example.org"
NAMES = [ANNA, BOB, CLEO, "Anna.Archer@Example.org", "dan.dyer@example.org", "eve.ely@example.org"]
TOKEN = re.compile("token_[0-9a-f]{64}")
# Anna is written in two ways and Bob buys what is no number; nobody bought the last.
ORDERS = pd.DataFrame(
    [
        ("O1", " Anna.Archer@Example.org", "2024-01-01 10:00", "1"),
        ("O2", BOB, "2024-01-02 10:00", "1"),
        ("O3", ANNA, "2024-01-03 10:00", "2"),
        ("O4", BOB, "2024-01-03 10:00", "many"),
        ("O5", None, "2024-01-04 10:00", "1"),
    ],
    columns=["no", "Email", "at", "pieces"],
)
PEOPLE = pd.DataFrame(
    {"email": [ANNA, BOB, CLEO], "phone": ["+4930111", None, "+4930333"], "country": ["DE", "DE", "FR"]}
)


def parquet_of(rows: pd.DataFrame, folder: Path) -> bytes:
    rows.to_parquet(folder / "made")
    data = (folder / "made").read_bytes()
    (folder / "made").unlink()
    return data


FORMATS: Mapping[str, Callable[[pd.DataFrame, Path], bytes]] = {
    "csv": lambda rows, _: rows.to_csv(index=False).encode(),
    "csv.gz": lambda rows, _: gzip.compress(rows.to_csv(index=False, sep=";").encode(), mtime=0),
    "jsonl": lambda rows, _: rows.to_json(orient="records", lines=True).encode(),
    "json": lambda rows, _: rows.to_json(orient="records").encode(),
    "parquet": parquet_of,
}


def business(
    folder: Path,
    suffix: str = "csv",
    *,
    place: str = "landing_dir",
    pii: Sequence[str] = ("Email", "phone"),
    **changes: object,
) -> Business:
    lines = {
        "order_id": "no", "customer_id": 'lower(trim("Email"))', "ordered_at": '"at"', "product_id": "'tea'",
        "quantity": "pieces", "unit_price": "2.5",
    }  # fmt: skip
    document: dict[str, object] = {
        "title": "Shop",
        "clock": "wall",
        "currency": "EUR",
        "time_zone": "UTC",
        "first_as_of_day": "2023-01-02",
        "vault": True,
        "customer_ids": "tokens",
        "sources": [
            {"name": "orders", "table": "order_lines", "files": f"{{{place}}}/orders*.{suffix}",
             "columns": lines},
            {"name": "people", "table": "customers", "files": f"{{{place}}}/people.{suffix}",
             "pii": [*pii], "columns": {"customer_id": "EMAIL", "country": "country"}},
        ],
    }  # fmt: skip
    folders = {"data_dir": folder / "data", "landing_dir": folder / "landing"}
    for each in folders.values():
        each.mkdir(exist_ok=True)
    return business_from(document | changes, file=Path("shop.yaml"), **folders)


def deliver(folder: Path, suffix: str, *, to: str = "landing") -> None:
    (folder / to / f"orders.{suffix}").write_bytes(FORMATS[suffix](ORDERS, folder))
    (folder / to / f"people.{suffix}").write_bytes(FORMATS[suffix](PEOPLE, folder))


@pytest.fixture
def vault(tmp_path: Path) -> SqliteVault:
    return SqliteVault(tmp_path / "vault.sqlite", lambda: Keyring(current=VaultKey(b"\1" * 32)))


def landed(folder: Path, shop: Business, vault: SqliteVault) -> Mapping[str, pd.DataFrame]:
    take_custody(shop, vault)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        land(connection, shop, vault)
        return {
            table: connection.execute(f"select * from raw.{table} order by rowid").df()
            for table in ("order_lines", "customers", "rejects", "landings")
        }


def token_of(shop: Business, vault: SqliteVault, name: str) -> str:
    (token,) = names_of(shop, vault, [name])
    assert TOKEN.fullmatch(token)
    return token


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_id_is_in_any_byte_and_one_customer_has_one_token_in_every_source_and_run(
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
    # What was written again is read again: nothing changes, neither there nor when it is delivered anew.
    files = {file: file.read_bytes() for file in (tmp_path / "landing").iterdir()}
    assert take_custody(shop, vault) == Custody()
    again = landed(tmp_path, shop, vault)
    deliver(tmp_path, suffix)
    anew = landed(tmp_path, shop, vault)
    for table in ("order_lines", "customers", "rejects", "landings"):
        told = [
            each[table].drop(columns="file_fingerprint", errors="ignore") for each in (first, again, anew)
        ]
        pd.testing.assert_frame_equal(told[0], told[1])
        pd.testing.assert_frame_equal(told[0], told[2])
    assert {file: file.read_bytes() for file in files} == files


@pytest.mark.parametrize("suffix", FORMATS)
def test_files_elsewhere_are_only_read_and_get_the_same_tokens(
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
    renewed = SqliteVault(vault.file, lambda: Keyring(current=new))
    deliver(tmp_path, "csv")
    (tmp_path / "warehouse.duckdb").unlink()
    after = landed(tmp_path, shop, renewed)
    pd.testing.assert_frame_equal(before["order_lines"], after["order_lines"])
    assert renewed.read([token_of(shop, renewed, ANNA)])["email"].tolist() == [ANNA]


def test_lines_that_are_broken_and_ids_that_cannot_be_made_out_are_refused_and_not_shown(
    tmp_path: Path, vault: SqliteVault
) -> None:
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
        "customer_id cannot be made out, and is withheld",
    }


@pytest.mark.parametrize("name", ["id", "customer_id", "token", "cell", "is_ours", "reason", "rows", "cells"])
def test_the_id_s_column_may_be_called_anything(tmp_path: Path, vault: SqliteVault, name: str) -> None:
    columns = {"customer_id": f'"{name}"', "country": "country"}
    people = {"name": "people", "table": "customers", "files": "{landing_dir}/people.csv"}
    shop = business(tmp_path, sources=[{**people, "columns": columns, "pii": [name, "phone"]}])
    others = PEOPLE.drop(columns="email").assign(**dict.fromkeys(["token", "cell", "made"], "x"))
    others.assign(**{name: PEOPLE["email"]}).to_csv(tmp_path / "landing" / "people.csv", index=False)
    for _ in range(2):
        take_custody(shop, vault)
        with duckdb.connect() as connection:
            land(connection, shop, vault)
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
    take_custody(shop, vault)
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
    assert "4 other columns, not shown" in tables["landings"]["quarantine_reason"].dropna().item()
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
        take_custody(shop, vault)
        with duckdb.connect() as connection:
            land(connection, shop, vault)
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
def test_an_id_that_no_token_can_take_the_place_of_is_refused(
    tmp_path: Path, vault: SqliteVault, columns: Mapping[str, str], words: list[str]
) -> None:
    people = {"name": "people", "table": "customers", "files": "{landing_dir}/people.csv", "columns": columns}
    shop = business(tmp_path, sources=[people])
    deliver(tmp_path, "csv")
    before = (tmp_path / "landing" / "people.csv").read_bytes()
    with pytest.raises(BusinessInvalid) as refused:
        take_custody(shop, vault)
    assert all(each in str(refused.value) for each in ["shop.yaml", "customer_ids: tokens", *words])
    with duckdb.connect() as connection, pytest.raises(BusinessInvalid):
        land(connection, shop, vault)
    assert (tmp_path / "landing" / "people.csv").read_bytes() == before


def test_without_tokens_an_id_that_is_personal_is_refused_and_the_remedy_told(
    tmp_path: Path, vault: SqliteVault
) -> None:
    shop = business(tmp_path, customer_ids="as_delivered")
    deliver(tmp_path, "csv")
    with pytest.raises(BusinessInvalid, match="to let a token stand for it, say customer_ids: tokens"):
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
    with duckdb.connect() as connection, pytest.raises(ValueError, match="needs a vault"):
        land(connection, shop, None)


def test_who_was_erased_under_an_id_stays_erased_under_the_token(tmp_path: Path, vault: SqliteVault) -> None:
    vault.tell_erased({"customer_id": [ANNA]})
    shop = business(tmp_path)
    deliver(tmp_path, "csv")
    tables = landed(tmp_path, shop, vault)
    anna = token_of(shop, vault, ANNA)
    assert anna not in {*tables["order_lines"]["customer_id"], *tables["customers"]["customer_id"]}
    assert vault.values([anna], at_most=9) == []
    assert scan([tmp_path], [anna, ANNA]).hits == {}


def test_what_the_vault_kept_under_ids_goes_by_tokens_from_then_on(
    tmp_path: Path, vault: SqliteVault
) -> None:
    before = business(tmp_path, pii=["phone"], customer_ids="as_delivered")
    deliver(tmp_path, "csv")
    landed(tmp_path, before, vault)
    vault.keep("erasure requests", pd.DataFrame({"customer_id": [BOB], "requested_at": ["2024-01-05"]}))
    assert scan([tmp_path], NAMES).hits
    shop = business(tmp_path, pii=["phone"])
    with pytest.raises(BusinessInvalid, match="delete the warehouse and what it published"):
        landed(tmp_path, shop, vault)
    (tmp_path / "warehouse.duckdb").unlink()
    landed(tmp_path, shop, vault)
    anna, bob = token_of(shop, vault, ANNA), token_of(shop, vault, BOB)
    assert vault.read([anna])["phone"].tolist() == ["+4930111"]
    assert vault.customers_of("erasure requests") == [bob]
    assert (bob, DELIVERED_IDS, "delivered_id", BOB) in {
        tuple(each) for each in vault.values([bob], at_most=9)
    }
    assert scan([tmp_path], NAMES).hits == {}


class Place:
    """A shop whose commands are called as at the terminal."""

    def __init__(self, folder: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file, self.folder, self.suffix = folder / "shop.yaml", folder / "var" / "shop", suffix
        self.folder.mkdir(parents=True)
        (folder / "dagster").mkdir()
        surroundings = {"VAR_DIR": "var", "BUSINESS": "shop.yaml", "DAGSTER_HOME": "dagster"}
        for name, value in surroundings.items():
            monkeypatch.setenv(name, str(folder / value))
        monkeypatch.setenv("VAULT_KEY", "01" * 32)
        self.declare(business(self.folder, suffix))

    def declare(self, shop: Business) -> None:
        document = shop.model_dump(mode="json", exclude_unset=True, exclude={*PLACED})
        self.file.write_text(yaml.safe_dump(document))
        self.settings = Settings()
        self.shop = self.settings.load_business()
        self.vault = vault_of(self.settings, self.shop)
        self.warehouse = DuckDBWarehouse(database=str(self.settings.warehouse_file))

    def run(self) -> None:
        """Deliver and land; everybody who bought is scored and in the audience."""
        deliver(self.folder, self.suffix)
        take_custody(self.shop, self.vault)
        with self.warehouse.connect() as connection:
            land(connection, self.shop, self.vault)
            connection.execute("create schema if not exists ml; create schema if not exists intermediate")
            connection.execute(
                "create or replace table ml.audiences as select distinct 'best' as audience, "
                "date '2024-05-06' as as_of_date, customer_id, 1 as rank, 9.5 as value, 'member' as fate "
                "from raw.order_lines where customer_id is not null"
            )
            connection.execute(
                "create or replace table intermediate.int_customer__as_of_permissions as "
                "select date '2024-05-06' as as_of_date"
            )


@pytest.mark.parametrize("is_token", [False, True])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_commands_take_the_delivered_id_as_well_as_the_token(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    suffix: str,
    *,
    is_token: bool,
) -> None:
    place = Place(tmp_path, suffix, monkeypatch)
    place.run()
    anna, bob = (token_of(place.shop, place.vault, name) for name in (ANNA, BOB))
    name = anna if is_token else ANNA
    assert export_subject.main(["--customer", name]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(table, len(rows)) for table, rows in told["delivered"].items()] == [
        ("customers", 1), ("order_lines", 2),
    ]  # fmt: skip
    assert told["vault"][DELIVERED_IDS] == [{"delivered_id": ANNA}]
    assert {"email": ANNA} in told["vault"]["people"]
    assert audience.main(["--send", "yes"]) == 0
    (file,) = place.settings.audiences_dir.glob("*meta.csv")
    assert hashlib.sha256(ANNA.encode()).hexdigest() in file.read_text()
    capsys.readouterr()
    assert erase.main(["--customer", name]) == 0
    assert "1 erased: 4 rows of tables, 3 values of the vault" in capsys.readouterr().out
    for _ in range(2):
        assert scan([tmp_path], [ANNA, anna], beside=[tmp_path / "shop.yaml"]).hits == {}
        with place.warehouse.connect() as connection:
            people = connection.execute("select customer_id from raw.order_lines").fetchall()
        assert set(people) == {(bob,), (None,)}
        assert anna not in place.vault.customers_of()
        assert place.vault.erased("customer_id", [ANNA, anna, BOB]) == {ANNA, anna}
        place.run()
    assert export_subject.main(["--customer", name]) == 0
    assert json.loads(capsys.readouterr().out) == {"delivered": {}, "vault": {}, "published": {}}


def test_an_id_behind_a_token_that_is_left_somewhere_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path, "csv", monkeypatch)
    people = {"name": "people", "table": "customers", "files": "{landing_dir}/people.csv"}
    place.declare(business(place.folder, sources=[{**people, "columns": {"customer_id": "id"}}]))
    (place.folder / "landing" / "people.csv").write_text("id,country\nclient-anna,DE\nclient-bob,FR\n")
    take_custody(place.shop, place.vault)
    with place.warehouse.connect() as connection:
        land(connection, place.shop, place.vault)
    notes = place.folder / "notes.txt"
    notes.write_text("client-anna called")
    assert erase.main(["--customer", "client-anna"]) == 1
    assert "left in 1 files" in capsys.readouterr().err
    notes.unlink()
    assert erase.main([]) == 0


def test_nobody_is_erased_or_told_by_half_between_ids_and_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path, "csv", monkeypatch)
    place.declare(business(place.folder, pii=["phone"], customer_ids="as_delivered"))
    place.run()
    place.declare(business(place.folder, pii=["phone"]))
    for command in (export_subject.main, erase.main):
        assert command(["--customer", ANNA]) == 1
        assert "delete the warehouse and what it published" in capsys.readouterr().err
