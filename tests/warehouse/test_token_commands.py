"""Erasure, subject access and audiences with tokens accept the delivered id as well."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from assets.ingest.config.business import SET_ELSEWHERE, BusinessConfig, BusinessInvalid
from assets.ingest.loading.load import load_sources
from assets.ingest.loading.pseudonyms import DELIVERED_IDS
from assets.privacy.pii_scan import scan
from assets.privacy.redaction.redact_exports import redact_exports
from orchestration.cli import audience
from orchestration.cli.privacy import erase, export_subject
from orchestration.resources.vault import SqliteVault
from orchestration.resources.vault_keys import vault_of
from orchestration.resources.warehouse import DuckDBWarehouse
from orchestration.settings import Settings
from tests.warehouse.token_shop import ANNA, BOB, NAMES, business, deliver, empty_vault, landed, token_of


@pytest.fixture
def vault(tmp_path: Path) -> SqliteVault:
    return empty_vault(tmp_path)


def test_who_was_erased_under_an_id_stays_erased_under_the_token(tmp_path: Path, vault: SqliteVault) -> None:
    vault.mark_erased({"customer_id": [ANNA]})
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
    """A shop on which the commands are run."""

    def __init__(self, folder: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file, self.folder, self.suffix = folder / "shop.yaml", folder / "var" / "shop", suffix
        self.folder.mkdir(parents=True)
        for name, value in {"VAR_DIR": "var", "BUSINESS": "shop.yaml"}.items():
            monkeypatch.setenv(name, str(folder / value))
        monkeypatch.setenv("VAULT_KEY", "01" * 32)
        self.declare(business(self.folder, suffix))

    def declare(self, shop: BusinessConfig) -> None:
        document = shop.model_dump(mode="json", exclude_unset=True, exclude={*SET_ELSEWHERE})
        self.file.write_text(yaml.safe_dump(document))
        self.settings = Settings()
        self.shop = self.settings.load_business()
        self.vault = vault_of(self.settings, self.shop)
        self.warehouse = DuckDBWarehouse(database=str(self.settings.warehouse_file))

    def run(self) -> None:
        """Deliver and load; every customer with an order is scored and in the audience."""
        deliver(self.folder, self.suffix)
        redact_exports(self.shop, self.vault)
        with self.warehouse.connect() as connection:
            load_sources(connection, self.shop, self.vault)
            connection.execute("create schema if not exists ml; create schema if not exists point_in_time")
            connection.execute(
                "create or replace table ml.audiences as select distinct 'likely_and_valuable' as audience, "
                "date '2024-05-06' as as_of_date, customer_id, 1 as rank, 9.5 as value, "
                "cast(null as varchar) as suppress_reason from raw.order_lines where customer_id is not null"
            )
            connection.execute(
                "create or replace table point_in_time.pit_customer__eligibility as "
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
    for variable, value in {"CUSTOMER": name, "SEND": "yes"}.items():
        monkeypatch.setenv(variable, value)
    assert export_subject.main() == 0
    export = json.loads(capsys.readouterr().out)
    assert [(table, len(rows)) for table, rows in export["delivered"].items()] == [
        ("customers", 1), ("order_lines", 2),
    ]  # fmt: skip
    assert export["vault"][DELIVERED_IDS] == [{"delivered_id": ANNA}]
    assert {"email": ANNA} in export["vault"]["people"]
    assert audience.main() == 0
    (file,) = place.settings.audiences_dir.glob("*meta.csv")
    assert hashlib.sha256(ANNA.encode()).hexdigest() in file.read_text()
    capsys.readouterr()
    assert erase.main() == 0
    assert "1 erased: 4 rows of tables, 3 values of the vault" in capsys.readouterr().out
    for _ in range(2):
        assert scan([tmp_path], [ANNA, anna], beside=[tmp_path / "shop.yaml"]).hits == {}
        with place.warehouse.connect() as connection:
            people = connection.execute("select customer_id from raw.order_lines").fetchall()
        assert set(people) == {(bob,), (None,)}
        assert anna not in place.vault.customers_of()
        assert place.vault.erased("customer_id", [ANNA, anna, BOB]) == {ANNA, anna}
        place.run()
    assert export_subject.main() == 0
    assert json.loads(capsys.readouterr().out) == {"delivered": {}, "vault": {}, "published": {}}


def test_an_id_behind_a_token_that_is_left_somewhere_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path, "csv", monkeypatch)
    people = {"name": "people", "table": "customers", "files": "{landing_dir}/people.csv"}
    place.declare(business(place.folder, sources=[{**people, "columns": {"customer_id": "id"}}]))
    (place.folder / "landing" / "people.csv").write_text("id,country\nclient-anna,DE\nclient-bob,FR\n")
    redact_exports(place.shop, place.vault)
    with place.warehouse.connect() as connection:
        load_sources(connection, place.shop, place.vault)
    notes = place.folder / "notes.txt"
    notes.write_text("client-anna called")
    monkeypatch.setenv("CUSTOMER", "client-anna")
    assert erase.main() == 1
    assert "left in 1 files" in capsys.readouterr().err
    notes.unlink()
    monkeypatch.delenv("CUSTOMER")
    assert erase.main() == 0


def test_commands_refuse_a_mixture_of_ids_and_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path, "csv", monkeypatch)
    place.declare(business(place.folder, pii=["phone"], customer_ids="as_delivered"))
    place.run()
    place.declare(business(place.folder, pii=["phone"]))
    monkeypatch.setenv("CUSTOMER", ANNA)
    for command in (export_subject.main, erase.main):
        assert command() == 2
        assert "delete the warehouse and what it published" in capsys.readouterr().err
