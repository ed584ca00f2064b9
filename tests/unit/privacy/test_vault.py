"""The vault decrypts with its key only, overwrites forgotten values, and rotates its key in steps."""

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from assets.ports import PersonalValue
from assets.privacy.encryption import DecryptionFailed
from assets.privacy.vault_key import Keyring, VaultKey, VaultKeyRefused
from orchestration.resources import vault as adapter
from orchestration.resources.vault import SqliteVault

OLD, NEW = VaultKey(b"\1" * 32), VaultKey(b"\2" * 32)
PEOPLE = pd.DataFrame(
    {
        "customer_id": ["C1", "C2", "C3"],
        "email": ["ann@example.org", "bob@example.org", None],
        "phone": ["+44 1", None, " "],
    }
)


@pytest.fixture
def vault(tmp_path: Path) -> SqliteVault:
    return SqliteVault(tmp_path / "shop" / "vault.sqlite", lambda: Keyring(current=OLD))


def with_keys(vault: SqliteVault, current: VaultKey, following: VaultKey | None = None) -> SqliteVault:
    return SqliteVault(vault.file, lambda: Keyring(current=current, following=following))


def values(vault: SqliteVault) -> set[tuple[str, ...]]:
    return {tuple(each) for each in vault.values(at_most=100)}


def test_stored_values_are_read_back_and_blanks_are_not_stored(vault: SqliteVault) -> None:
    assert vault.keep("customers", PEOPLE) == 3
    assert values(vault) == {
        ("C1", "customers", "email", "ann@example.org"),
        ("C1", "customers", "phone", "+44 1"),
        ("C2", "customers", "email", "bob@example.org"),
    }
    assert vault.values(["C2", "C9"], at_most=100) == [
        PersonalValue("C2", "customers", "email", "bob@example.org")
    ]
    assert len(vault.values(at_most=2)) == 2


def test_the_file_shows_no_value_and_is_its_owners_alone(vault: SqliteVault) -> None:
    vault.keep("customers", PEOPLE)
    data = vault.file.read_bytes()
    assert b"example.org" not in data
    assert b"+44" not in data
    assert OLD.secret not in data
    assert vault.file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in vault.file.parent.iterdir()] == ["vault.sqlite"]


def test_a_later_delivery_replaces_all_values_of_its_source(vault: SqliteVault) -> None:
    vault.keep("customers", PEOPLE)
    vault.keep("leads", PEOPLE.iloc[:1])
    vault.keep("customers", pd.DataFrame({"customer_id": ["C1"], "email": ["new@example.org"]}))
    assert {each for each in values(vault) if each[0] == "C1"} == {
        ("C1", "customers", "email", "new@example.org"),
        ("C1", "leads", "email", "ann@example.org"),
        ("C1", "leads", "phone", "+44 1"),
    }


def test_contacts_have_one_row_per_known_customer_whatever_case_the_column_has(vault: SqliteVault) -> None:
    vault.keep("customers", PEOPLE.rename(columns={"email": "EMail"}))
    vault.keep("shop", pd.DataFrame({"customer_id": ["C1"], "Email": ["newest@example.org"]}))
    contacts = vault.read(["C1", "C2", "C3", "C9"])
    assert list(contacts.columns) == ["customer_id", "email", "phone"]
    assert contacts.set_index("customer_id").loc["C1"].tolist() == ["newest@example.org", "+44 1"]
    assert "C3" not in set(contacts["customer_id"])


def test_an_absent_vault_is_empty_and_needs_no_key(tmp_path: Path) -> None:
    def no_key() -> Keyring:
        raise VaultKeyRefused("no key is given")

    vault = SqliteVault(tmp_path / "vault.sqlite", no_key)
    assert vault.values(at_most=10) == []
    assert vault.read(["C1"]).empty
    assert not vault.erased("customer_id", ["C1"])
    assert not vault.has_processed("customers", "print")
    assert not vault.file.exists()
    with pytest.raises(VaultKeyRefused):
        vault.keep("customers", PEOPLE)


def test_another_key_is_refused(vault: SqliteVault) -> None:
    vault.keep("customers", PEOPLE)
    with pytest.raises(VaultKeyRefused, match=OLD.id):
        with_keys(vault, NEW).values(at_most=10)
    with pytest.raises(VaultKeyRefused, match=OLD.id):
        with_keys(vault, NEW).keep("customers", PEOPLE)
    assert len(values(vault)) == 3


def test_values_swapped_between_customers_are_refused(vault: SqliteVault) -> None:
    vault.keep("customers", PEOPLE)
    with sqlite3.connect(vault.file) as connection:
        connection.execute("update contents set customer_id = 'C9' where customer_id = 'C2'")
    with pytest.raises(DecryptionFailed):
        vault.values(["C9"], at_most=10)


def test_renaming_moves_all_values_to_the_new_id(vault: SqliteVault) -> None:
    vault.keep("customers", PEOPLE.replace({"C1": "ann-archer@example.org"}))
    vault.keep("leads", PEOPLE.iloc[:1].replace({"C1": "ann-archer@example.org"}))
    vault.rename({"ann-archer@example.org": "T1", "C9": "T9"})
    assert vault.customers_of() == ["T1", "C2"]
    assert vault.customers_of("leads") == ["T1"]
    assert {(each.source, each.value) for each in vault.values(["T1"], at_most=9)} == {
        ("customers", "ann@example.org"), ("customers", "+44 1"),
        ("leads", "ann@example.org"), ("leads", "+44 1"),
    }  # fmt: skip
    assert b"ann-archer" not in vault.file.read_bytes()


def test_files_are_remembered_by_source_and_bytes(vault: SqliteVault) -> None:
    vault.mark_processed("customers", "print")
    vault.mark_processed("customers", "print")
    assert vault.has_processed("customers", "print")
    assert not vault.has_processed("leads", "print")


def test_after_a_rotation_the_old_key_decrypts_nothing(vault: SqliteVault) -> None:
    vault.keep("customers", PEOPLE)
    before, tokens = values(vault), vault.tokens("customer_id", ["C1", "C2"])
    old_bytes = [row[0] for row in rows(vault, "select ciphertext from contents")]
    assert with_keys(vault, OLD, NEW).rotate() == 3
    rotated = with_keys(vault, NEW)
    assert values(rotated) == before
    assert rotated.tokens("customer_id", ["C1", "C2"]) == tokens
    assert {row[0] for row in rows(vault, "select key_id from contents")} == {NEW.id}
    with pytest.raises(VaultKeyRefused):
        vault.values(at_most=10)
    data = vault.file.read_bytes()
    assert not [each for each in old_bytes if each in data]


def test_forgotten_values_are_overwritten(vault: SqliteVault) -> None:
    many = pd.DataFrame({"customer_id": [f"C{n}" for n in range(500)], "email": "somebody@example.org"})
    vault.keep("customers", many)
    gone = [bytes(row[0]) for row in rows(vault, "select ciphertext from contents where customer_id < 'C2'")]
    assert gone[0] in vault.file.read_bytes()
    forgotten = vault.forget([each for each in many["customer_id"] if each < "C2"])
    assert set(forgotten.values()) == {1}
    data = vault.file.read_bytes()
    assert not [each for each in gone if each in data]
    assert len(vault.values(at_most=1_000)) == 500 - len(gone)


def test_a_killed_rotation_is_readable_and_continues(
    vault: SqliteVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.keep("customers", PEOPLE)
    before = values(vault)
    monkeypatch.setattr(adapter, "ROTATION_BATCH", 1)
    both = with_keys(vault, OLD, NEW)

    def killed(words: str) -> None:
        raise KeyboardInterrupt(words)

    with pytest.raises(KeyboardInterrupt, match="1 values"):
        both.rotate(log=killed)
    assert sorted({row[0] for row in rows(vault, "select key_id from contents")}) == sorted([OLD.id, NEW.id])
    assert values(both) == before
    assert both.rotate() == 2
    assert values(with_keys(vault, NEW)) == before


def test_tokens_differ_between_vaults_and_kinds(vault: SqliteVault, tmp_path: Path) -> None:
    other = SqliteVault(tmp_path / "other.sqlite", lambda: Keyring(current=OLD))
    tokens = {
        vault.tokens("customer_id", ["C1"])["C1"],
        vault.tokens("visitor_id", ["C1"])["C1"],
        other.tokens("customer_id", ["C1"])["C1"],
    }
    assert len(tokens) == 3
    assert vault.tokens("customer_id", ["C1"]) == vault.tokens("customer_id", ["C1"])


def rows(vault: SqliteVault, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(vault.file) as connection:
        return connection.execute(sql).fetchall()


def test_without_a_key_no_vault_is_created_for_tokens(tmp_path: Path) -> None:
    def keys() -> Keyring:
        raise VaultKeyRefused("no key")

    vault = SqliteVault(tmp_path / "vault.sqlite", keys)
    with pytest.raises(VaultKeyRefused, match="no key"):
        vault.tokens("customer_id", ["C1"])
    assert not vault.file.exists()
