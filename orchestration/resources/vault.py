"""The vault of one business: an SQLite file of encrypted personal values.

SQLite and not DuckDB: values change one customer at a time, a second reader waits instead of failing, a key
rotation commits in batches, and ``secure_delete`` overwrites deleted values with zeros.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pandas as pd

from assets.ports import PersonalValue
from assets.privacy.encryption import Ciphertext, Place, decrypt, encrypt, token_of
from assets.privacy.vault_key import KEY_BYTES, OWNER_ONLY, Keyring

LOCK_TIMEOUT = timedelta(minutes=1)
ROTATION_BATCH = 2_000
CONTACTS = ("email", "phone")
TOKEN_SECRET = Place(customer_id="", source="", column="token secret")

TABLES = """
    create table if not exists contents (
        customer_id text not null, source text not null, column_name text not null,
        key_id text not null, nonce blob not null, ciphertext blob not null,
        unique (customer_id, source, column_name)
    );
    create table if not exists secrets (
        name text primary key, key_id text not null, nonce blob not null, ciphertext blob not null
    );
    create table if not exists taken (source text, fingerprint text, primary key (source, fingerprint));
    create table if not exists erased (token text primary key);
"""


class SqliteVault:
    """The vault in ``file``, created with the first value; ``keys`` is called when a key is needed.

    ``Vault`` describes the methods. Every call opens the file, works in one transaction and closes it again.
    The key is not an attribute, so it appears neither in the configuration of a run nor in the ``repr`` of
    this object.
    """

    def __init__(self, file: Path, keys: Callable[[], Keyring]) -> None:
        self.file = file
        self._keys = keys

    def keep(self, source: str, values: pd.DataFrame) -> int:
        """See ``Vault``; ``values`` has shape (n, columns + 1)."""
        keys, columns = self._keys(), [name for name in values.columns if name != "customer_id"]
        rows = [
            (*place, *encrypt(keys.current, value, place=place))
            for customer_id, *personal in values[["customer_id", *columns]].itertuples(index=False)
            for place, value in zip(
                (Place(customer_id, source, column) for column in columns), personal, strict=True
            )
            if isinstance(value, str) and value.strip()
        ]
        with self.opened() as vault:
            self._secret(vault, keys)
            vault.executemany(
                "delete from contents where customer_id = ? and source = ?",
                [(customer_id, source) for customer_id in values["customer_id"]],
            )
            vault.executemany("insert into contents values (?, ?, ?, ?, ?, ?)", rows)
        return len(rows)

    def has_processed(self, source: str, fingerprint: str) -> bool:
        if not self.file.exists():
            return False
        with self.opened() as vault:
            sql = "select 1 from taken where source = ? and fingerprint = ?"
            return vault.execute(sql, [source, fingerprint]).fetchone() is not None

    def mark_processed(self, source: str, fingerprint: str) -> None:
        with self.opened() as vault:
            vault.execute("insert or ignore into taken values (?, ?)", [source, fingerprint])

    def read(self, customer_ids: Iterable[str]) -> pd.DataFrame:
        """See ``Contacts``: if several sources have a value, the one kept last is returned."""
        found: dict[str, dict[str, str]] = {}
        for value in self.values(customer_ids, at_most=2**62):
            if value.column.lower() in CONTACTS:
                found.setdefault(value.customer_id, {})[value.column.lower()] = value.value
        rows = [{"customer_id": customer_id, **contact} for customer_id, contact in found.items()]
        return pd.DataFrame(rows, columns=["customer_id", *CONTACTS], dtype="string")

    def values(self, customer_ids: Iterable[str] | None = None, *, at_most: int) -> list[PersonalValue]:
        if not self.file.exists():
            return []
        keys = self._keys()
        with self.opened() as vault:
            which = ""
            if customer_ids is not None:
                _list(vault, customer_ids)
                which = "where customer_id in (select id from requested)"
            rows = vault.execute(f"select * from contents {which} order by rowid limit ?", [at_most])
            encrypted = [(Place(*row[:3]), Ciphertext(*row[3:])) for row in rows]
        return [PersonalValue(*place, decrypt(keys, each, place=place)) for place, each in encrypted]

    def tokens(self, kind: str, ids: Iterable[str]) -> dict[str, str]:
        # Before the file is created: a missing key is generated only while there is no vault.
        keys = self._keys()
        with self.opened() as vault:
            secret = self._secret(vault, keys)
        return {each: token_of(secret, kind, each) for each in ids}

    def has_erased(self) -> bool:
        if not self.file.exists():
            return False
        with self.opened() as vault:
            return vault.execute("select 1 from erased limit 1").fetchone() is not None

    def erased(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        """See ``Vault``: no key is needed while no customer has been erased."""
        if not self.has_erased():
            return frozenset()
        with self.opened() as vault:
            tokens = {token for (token,) in vault.execute("select token from erased")}
        return frozenset(each for each, token in self.tokens(kind, ids).items() if token in tokens)

    def customers_of(self, source: str | None = None) -> list[str]:
        if not self.file.exists():
            return []
        with self.opened() as vault:
            sql = "select customer_id from contents where source = coalesce(?, source) group by 1 "
            return [str(each) for (each,) in vault.execute(f"{sql} order by min(rowid)", [source])]

    def rename(self, names: Mapping[str, str]) -> None:
        """See ``Vault``: a value is encrypted for its place, so each is decrypted and encrypted again."""
        keys = self._keys()
        with self.opened() as vault:
            for old, new in names.items():
                rows = vault.execute("select rowid, * from contents where customer_id = ?", [old]).fetchall()
                for rowid, _, source, column, *encrypted in rows:
                    value = decrypt(keys, Ciphertext(*encrypted), place=Place(old, source, column))
                    vault.execute(
                        "update or replace contents set customer_id = ?, key_id = ?, nonce = ?, "
                        "ciphertext = ? where rowid = ?",
                        [new, *encrypt(keys.current, value, place=Place(new, source, column)), rowid],
                    )

    def forget(self, customer_ids: Iterable[str]) -> dict[str, int]:
        """See ``Vault``: SQLite overwrites deleted values with zeros, and the file is written again.

        A page that was split earlier keeps copies of moved rows, which no deletion overwrites.
        """
        with self.opened() as vault:
            sql = "delete from contents where customer_id = ?"
            forgotten = {each: vault.execute(sql, [each]).rowcount for each in customer_ids}
            vault.execute("commit")
            vault.execute("vacuum")
            vault.execute("begin")
            return forgotten

    def mark_erased(self, ids: Mapping[str, Iterable[str]]) -> None:
        tokens = [token for kind, some in ids.items() for token in self.tokens(kind, some).values()]
        with self.opened() as vault:
            vault.executemany("insert or ignore into erased values (?)", [(token,) for token in tokens])

    def rotate(self, *, log: Callable[[str], object] = lambda _message: None) -> int:
        """Encrypt all values with the next key; returns their number.

        Each batch is committed, and readers have both keys meanwhile: a killed rotation loses nothing, and
        the next call continues it.

        Raises:
            ValueError: If there is no next key.
            VaultKeyRefused: If a value was encrypted with a third key.
        """
        keys, done = self._keys(), 0
        if keys.following is None:
            raise ValueError("there is no next key")
        rotated_keys = Keyring(current=keys.following, following=keys.current)
        with self.opened() as vault:
            self._rewrap(vault, rotated_keys)
        while moved := self._rotate_some(rotated_keys):
            done += moved
            log(f"{done:,} values encrypted with key {rotated_keys.current.id}")
        return done

    def _rotate_some(self, keys: Keyring) -> int:
        with self.opened() as vault:
            rows = vault.execute(
                "select rowid, customer_id, source, column_name, key_id, nonce, ciphertext from contents "
                "where key_id <> ? limit ?",
                [keys.current.id, ROTATION_BATCH],
            ).fetchall()
            for rowid, *place, key_id, nonce, ciphertext in rows:
                value = decrypt(keys, Ciphertext(key_id, nonce, ciphertext), place=Place(*place))
                vault.execute(
                    "update contents set key_id = ?, nonce = ?, ciphertext = ? where rowid = ?",
                    [*encrypt(keys.current, value, place=Place(*place)), rowid],
                )
            return len(rows)

    @staticmethod
    def _rewrap(vault: sqlite3.Connection, keys: Keyring) -> None:
        rows = vault.execute("select name, key_id, nonce, ciphertext from secrets").fetchall()
        for name, *encrypted in rows:
            value = decrypt(keys, Ciphertext(*encrypted), place=TOKEN_SECRET)
            vault.execute(
                "replace into secrets values (?, ?, ?, ?)",
                [name, *encrypt(keys.current, value, place=TOKEN_SECRET)],
            )

    def _secret(self, vault: sqlite3.Connection, keys: Keyring) -> bytes:
        """Secret of the pseudonyms: it survives key rotation, because published tokens must not change."""
        sql = "select key_id, nonce, ciphertext from secrets where name = 'tokens'"
        if vault.execute(sql).fetchone() is None:
            encrypted = encrypt(keys.current, secrets.token_hex(KEY_BYTES), place=TOKEN_SECRET)
            vault.execute("insert into secrets values ('tokens', ?, ?, ?)", encrypted)
        return bytes.fromhex(decrypt(keys, Ciphertext(*vault.execute(sql).fetchone()), place=TOKEN_SECRET))

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file in one transaction, created when missing; committed on exit, rolled back on error."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        # SQLite would create it readable for everybody; its journal takes the mode of the file.
        os.close(os.open(self.file, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
        vault = sqlite3.connect(self.file, timeout=LOCK_TIMEOUT.total_seconds(), isolation_level=None)
        try:
            vault.execute("pragma secure_delete = on")
            vault.execute("pragma temp_store = memory")
            vault.execute("begin immediate")
            for statement in TABLES.split(";"):
                vault.execute(statement)
            yield vault
            vault.execute("commit")
        finally:
            # Closing without a commit rolls back.
            vault.close()


def _list(vault: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Fill the temporary table ``requested`` with ``ids``; it is in memory, so no file ever holds them."""
    vault.execute("create temp table requested (id text primary key)")
    vault.executemany("insert or ignore into requested values (?)", [(each,) for each in ids])
