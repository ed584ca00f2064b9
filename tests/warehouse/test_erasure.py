"""An erased person is in no table, file or byte and does not return, even if the erasure is killed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from assets.ingest.loading.scratch import ERASED
from assets.privacy.erasure import erase as erasure
from assets.privacy.erasure.erase import PENDING, ErasureIncomplete, erase
from assets.privacy.pii_scan import scan
from assets.privacy.subject_access import subject
from assets.privacy.vault_key import Keyring, VaultKeyRefused
from orchestration.resources.vault import SqliteVault
from tests.warehouse.erasure_shop import ADDRESS, ANN, BOB, ORDERS, REQUESTED_AT, Shop


class Killed(BaseException):
    """Simulated kill of the process."""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def is_gone(shop: Shop) -> bool:
    """Whether no data of Ann is left, and all data of Bob is there."""
    assert scan([shop.folder], [ANN, ADDRESS, "V-OWN-DEVICE"]).hits == {}
    assert shop.rows("select customer_id from raw.order_lines") == [(BOB,)]
    assert shop.rows("select customer_id from published.scores") == [(BOB,)]
    assert sorted(shop.rows("select visitor_id, customer_id from raw.events"), key=str) == [
        ("V-FAMILY", BOB),
        ("V-FAMILY", None),
    ]
    assert shop.rows("select * from raw.rejects") == []
    assert [each.value for each in shop.vault.values(at_most=10)] == ["bob.baker@example.org"]
    return True


def test_an_erased_person_is_in_no_table_file_or_byte(shop: Shop) -> None:
    assert scan([shop.folder], [ANN]).hits
    done = erase(shop.scope, [ANN])
    assert (done.people, done.rows_removed, done.values_forgotten) == (1, 8, 1)
    # The vault is one of them.
    assert (done.files_searched, done.remarks) == (5, "")
    assert is_gone(shop)
    assert shop.published == 1


def test_the_log_has_tables_row_counts_and_times_but_no_id(shop: Shop) -> None:
    erase(shop.scope, [ANN])
    log = shop.rows("select * from ml.erasure_log order by table_name")
    assert {row[-1] for row in log} == {"bytes"}
    assert [(table, rows) for *_, table, rows, _ in log] == [
        ("ml.scores", 1), ("raw.customers", 1), ("raw.events", 2), ("raw.events", 1),
        ("raw.order_lines", 2), ("raw.rejects", 1), ("vault", 1),
    ]  # fmt: skip
    (token,) = {row[0] for row in log}
    assert token == shop.vault.tokens("customer_id", [ANN])[ANN]
    assert {row[1] for row in log} == {REQUESTED_AT}
    assert {row[2] for row in log} == {REQUESTED_AT + timedelta(minutes=1)}


def test_loading_the_same_exports_again_does_not_restore_the_person(shop: Shop) -> None:
    erase(shop.scope, [ANN])
    for _ in range(2):
        shop.deliver()
        shop.load_sources()
        assert is_gone(shop)
    landed = dict(shop.rows("select source, rows_in - rows_loaded - rows_rejected from raw.load_log"))
    assert landed == {"orders": 0, "people": 0, "visits": 0}


def test_files_in_other_folders_stay_and_the_person_is_rejected(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "ours", files=tmp_path / "theirs")
    erase(shop.scope, [ANN])
    assert scan([shop.folder], [ANN, ADDRESS, "V-OWN-DEVICE"]).hits == {}
    shop.load_sources()
    assert scan([shop.folder], [ANN, ADDRESS, "V-OWN-DEVICE"]).hits == {}
    assert (tmp_path / "theirs" / "orders.csv").read_text() == ORDERS
    # Loaded again: the counts are those of the unchanged files.
    counted = "select source, rows_in, rows_loaded, rows_rejected from raw.load_log order by source"
    assert shop.rows(counted) == [("orders", 4, 1, 3), ("people", 2, 1, 1), ("visits", 5, 2, 3)]
    assert shop.rows("select customer_id from raw.order_lines") == [(BOB,)]
    assert shop.rows("select distinct raw_text, reason from raw.rejects") == [(None, ERASED)]


def test_erasing_twice_removes_nothing_more(shop: Shop) -> None:
    erase(shop.scope, [ANN])
    again = erase(shop.scope, [ANN, ANN])
    assert (again.people, again.rows_removed, again.values_forgotten) == (1, 0, 0)
    assert erase(shop.scope, []).people == 0
    assert is_gone(shop)


def test_without_a_key_nothing_is_erased(shop: Shop) -> None:
    def no_key() -> Keyring:
        raise VaultKeyRefused("no key is given")

    before = shop.rows("from raw.order_lines")
    shop.vault = SqliteVault(shop.vault.file, no_key)
    with pytest.raises(VaultKeyRefused):
        erase(shop.scope, [ANN])
    assert shop.rows("from raw.order_lines") == before
    assert (shop.landing / "orders.csv").read_text() == ORDERS


STEPS = (
    "visitors_of", "redact_exports", "erase_rows", "compact_database", "publish", "forget", "prove",
    "mark_finished", "forget twice",
)  # fmt: skip


@contextmanager
def killed_at(step: str, *, after: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kill the process at the start or at the end of ``step``."""
    place: object = {"publish": Shop, "forget": SqliteVault, "forget twice": SqliteVault}.get(step, erasure)
    name, calls = step.removesuffix(" twice"), []
    work: Callable[..., object] = getattr(place, name)

    def dying(*arguments: object, **named: object) -> object:
        calls.append(name)
        is_now = len(calls) == 1 + step.endswith("twice")
        if is_now and not after:
            raise Killed
        done = work(*arguments, **named)
        if is_now:
            raise Killed
        return done

    with monkeypatch.context() as patched:
        patched.setattr(place, name, dying)
        yield


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_killed_at_any_step_is_completed_by_the_next_call(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> None:
    with killed_at(step, after=after, monkeypatch=monkeypatch), pytest.raises(Killed):
        erase(shop.scope, [ANN])
    # The next call completes the erasure from any step.
    erase(shop.scope, [])
    assert is_gone(shop)
    assert shop.vault.customers_of(PENDING) == []
    logged = dict(shop.rows("select table_name, sum(rows_removed) from ml.erasure_log group by 1"))
    assert logged == {
        "ml.scores": 1, "raw.customers": 1, "raw.events": 3, "raw.order_lines": 2, "raw.rejects": 1,
        "vault": 1,
    }  # fmt: skip
    assert shop.rows("select count(*) from ml.erasure_log where finished_at is null") == [(0,)]


def test_a_remaining_value_is_reported_and_the_erasure_stays_unfinished(shop: Shop) -> None:
    notes = shop.folder / "notes.txt"
    notes.write_text(f"called {ADDRESS} back")
    with pytest.raises(ErasureIncomplete, match=r"left in 1 files: .*notes\.txt") as found:
        erase(shop.scope, [ANN])
    assert ANN not in str(found.value)
    assert shop.rows("select count(*) from ml.erasure_log where finished_at is not null") == [(0,)]
    notes.unlink()
    assert erase(shop.scope, []).people == 1
    assert is_gone(shop)


def test_a_subject_export_has_delivered_vault_and_published_data(shop: Shop) -> None:
    export = subject(ANN, warehouse=shop.warehouse, vault=shop.vault, snapshot=shop.folder / "none.duckdb")
    assert {table: len(rows) for table, rows in export["delivered"].items()} == {
        "customers": 1, "events": 3, "order_lines": 2, "rejects": 1,
    }  # fmt: skip
    assert export["vault"] == {"people": [{"email": ADDRESS}]}
    erase(shop.scope, [ANN])
    export = subject(ANN, warehouse=shop.warehouse, vault=shop.vault, snapshot=shop.folder / "none.duckdb")
    assert export == {"delivered": {}, "vault": {}, "published": {}}
