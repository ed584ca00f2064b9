"""Export files hold only hashes, the log adds up, and a dry run writes no file."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from assets.activation.audience import NAME
from assets.activation.delivery import CUSTOMERS, NothingToDeliver, deliver, file_for, id_file
from assets.activation.tables import AUDIENCE_EXPORTS, AUDIENCE_TYPES, AUDIENCES
from assets.features.customers import ELIGIBILITY
from assets.lifecycle.store.schemas import typed
from orchestration.cli.audience import main
from orchestration.resources.warehouse import DuckDBWarehouse

NOW = datetime.fromisoformat("2024-05-06 08:00")
SUPPRESS_REASONS: dict[str, str | None] = {
    "ann": None,
    "bob": None,
    "cat": "no_consent",
    "dan": "held_out",
    "eve": None,
    "fay": "capped",
}


@dataclass(frozen=True, slots=True)
class StoredContacts:
    """Contacts by customer: address and number."""

    of: dict[str, tuple[str | None, str | None]]

    def read(self, customer_ids: Iterable[str]) -> pd.DataFrame:
        rows = [(each, *self.of[each]) for each in customer_ids if each in self.of]
        return pd.DataFrame(rows, columns=["customer_id", "email", "phone"], dtype="string")


CONTACTS = StoredContacts(
    {"ann": ("Ann.A+x@gmail.com", "+44 20 7031 3000"), "bob": (None, "07700 1"), "cat": ("cat@a.bc", None)}
)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    """Warehouse with an audience of six: Bob's number has no country code, Eve has no contacts."""
    shared = {"audience": NAME, "as_of_date": date(2024, 5, 6), "value": 1.0}
    rows = [
        {**shared, "customer_id": name, "rank": rank, "suppress_reason": reason}
        for rank, (name, reason) in enumerate(SUPPRESS_REASONS.items(), start=1)
    ]
    found = DuckDBWarehouse(database=str(tmp_path / "warehouse.duckdb"))
    found.replace(AUDIENCES, typed(rows, AUDIENCE_TYPES))
    found.replace(ELIGIBILITY, pd.DataFrame({"as_of_date": [date(2024, 5, 6)]}))
    return found


def test_the_log_accounts_for_every_candidate_and_has_the_files_hash(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    folder = tmp_path / "audiences"
    ledger = deliver(warehouse, CONTACTS, folder=folder, now=NOW, is_dry_run=False)
    assert list(ledger["destination"]) == ["google", "meta", "ids"]
    counts = ledger[
        ["audience_candidates", "no_consent", "held_out", "over_cap", "without_identifier", "written"]
    ]
    assert counts.to_numpy().tolist() == [*[[6, 1, 1, 1, 2, 1]] * 2, [6, 1, 1, 1, 0, 3]]
    for row in ledger.to_dict("records"):
        content = (folder / str(row["file_name"])).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["file_sha256"]
        assert len(content.splitlines()) == 1 + row["written"]
    assert len(warehouse.read(f"select * from {AUDIENCE_EXPORTS.sql}")) == 3


def test_a_file_holds_hashes_only(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    deliver(warehouse, CONTACTS, folder=tmp_path / "audiences", now=NOW, is_dry_run=False)
    google, ids, meta = sorted((tmp_path / "audiences").iterdir())
    assert ids.read_text() == "customer_id\nann\nbob\neve\n"
    email, phone = (hashlib.sha256(text).hexdigest() for text in (b"anna@gmail.com", b"+442070313000"))
    assert google.read_text() == f"Email,Phone\n{email},{phone}\n"
    email, phone = (hashlib.sha256(text).hexdigest() for text in (b"ann.a+x@gmail.com", b"442070313000"))
    assert meta.read_text() == f"email,phone\n{email},{phone}\n"


def test_a_dry_run_writes_no_file_and_is_marked_in_the_log(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    ledger = deliver(warehouse, CONTACTS, folder=tmp_path / "audiences", now=NOW, is_dry_run=True)
    assert ledger["dry_run"].all()
    assert not (tmp_path / "audiences").exists()


def test_a_national_number_is_that_of_the_customer_s_country(
    warehouse: DuckDBWarehouse, tmp_path: Path
) -> None:
    folder = tmp_path / "audiences"
    countries = pd.DataFrame({"customer_id": ["ann", "eve"], "country": ["GB", "DE"]}, dtype="string")
    contacts = StoredContacts({"ann": (None, "020 7031 3000"), "eve": (None, "0171 1234567")})
    warehouse.replace(CUSTOMERS, countries)
    deliver(warehouse, contacts, folder=folder, now=NOW, is_dry_run=False)
    google = (folder / f"{NAME}_2024-05-06_google.csv").read_text()
    hashes = {hashlib.sha256(number).hexdigest() for number in (b"+442070313000", b"+491711234567")}
    assert {line.strip(",") for line in google.splitlines()[1:]} == hashes


def test_two_customers_with_one_address_are_two_rows() -> None:
    twice = pd.DataFrame({"email": ["a@b.cd", "a@b.cd"], "phone": [None, None], "country": [None, "DE"]})
    content, written = file_for("meta", twice)
    assert written == 2
    assert len(content.splitlines()) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "suppress_reason = 'no_consent'",
            f"none of the 6 candidates of {NAME} may be contacted .6 no_consent.: .*`table: consents`",
        ),
        ("suppress_reason = 'held_out'", "6 held_out.: all are in the holdout: lower `holdout: share`"),
        ("customer_id = 'x' || customer_id", "none of the 3 members has an address or number in the vault"),
    ],
)
def test_an_audience_that_cannot_be_delivered_is_refused_with_the_reason(
    warehouse: DuckDBWarehouse, tmp_path: Path, change: str, words: str
) -> None:
    with warehouse.connect() as connection:
        connection.execute(f"update {AUDIENCES.sql} set {change}")
    with pytest.raises(NothingToDeliver, match=words):
        deliver(warehouse, CONTACTS, folder=tmp_path / "audiences", now=NOW, is_dry_run=False, with_ids=False)
    assert not warehouse.exists(AUDIENCE_EXPORTS)
    assert not (tmp_path / "audiences").exists()


def test_an_audience_of_an_older_date_is_not_delivered(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    warehouse.append(ELIGIBILITY, pd.DataFrame({"as_of_date": [date(2024, 5, 13)]}))
    with pytest.raises(NothingToDeliver, match="the newest as-of date has nobody in the audience"):
        deliver(warehouse, CONTACTS, folder=tmp_path / "audiences", now=NOW, is_dry_run=False)


def test_without_contacts_there_is_the_list_of_ids_alone(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    folder = tmp_path / "audiences"
    ledger = deliver(warehouse, None, folder=folder, now=NOW, is_dry_run=False)
    assert ledger[["destination", "written"]].to_numpy().tolist() == [["ids", 3]]
    assert [file.name for file in folder.iterdir()] == [f"{NAME}_2024-05-06_ids.csv"]


def test_an_id_that_a_spreadsheet_would_run_is_escaped() -> None:
    content, _ = id_file(pd.DataFrame({"customer_id": ["=1+1", "c,2"]}))
    assert content == b'customer_id\n\'=1+1\n"c,2"\n'


def test_another_audience_is_delivered_by_its_name(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    shared = {"audience": "win_back", "as_of_date": date(2024, 5, 6), "value": 1.0, "rank": 1}
    warehouse.append(
        AUDIENCES, typed([{**shared, "customer_id": "zoe", "suppress_reason": None}], AUDIENCE_TYPES)
    )
    deliver(warehouse, None, folder=tmp_path, now=NOW, is_dry_run=False, name="win_back")
    assert (tmp_path / "win_back_2024-05-06_ids.csv").read_text() == "customer_id\nzoe\n"


def test_an_audience_that_is_not_declared_is_refused_with_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv("AUDIENCE", "vips")
    assert main() == 2
    assert "AUDIENCE is one of likely_and_valuable, win_back" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
