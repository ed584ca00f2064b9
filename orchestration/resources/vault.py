"""The vault of one business: an SQLite file whose values only the holder of its key can read.

SQLite and not DuckDB: values are changed one customer at a time, a second reader waits instead of failing,
a rotation commits bit by bit, and ``secure_delete`` writes zeros over what is deleted.
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

PATIENCE = timedelta(minutes=1)
ROWS_AT_A_TIME = 2_000
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
    """The vault in ``file``, made when a value is first kept; ``keys`` is asked when a key is needed.

    Every call opens the file, works in one transaction and closes it again. The key is in no attribute, so
    it is in no run's configuration and in no picture of this object.
    """

    def __init__(self, file: Path, keys: Callable[[], Keyring]) -> None:
        self.file = file
        self._keys = keys

    def keep(self, source: str, values: pd.DataFrame) -> int:
        """See ``Vault``."""
        keys, columns = self._keys(), [name for name in values.columns if name != "customer_id"]
        rows = [
            (*place, *encrypt(keys.current, value, place=place))
            for customer_id, *told in values[["customer_id", *columns]].itertuples(index=False)
            for place, value in zip(
                (Place(customer_id, source, column) for column in columns), told, strict=True
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
        """See ``Vault``."""
        if not self.file.exists():
            return False
        with self.opened() as vault:
            sql = "select 1 from taken where source = ? and fingerprint = ?"
            return vault.execute(sql, [source, fingerprint]).fetchone() is not None

    def mark_processed(self, source: str, fingerprint: str) -> None:
        """See ``Vault``."""
        with self.opened() as vault:
            vault.execute("insert or ignore into taken values (?, ?)", [source, fingerprint])

    def read(self, customer_ids: Iterable[str]) -> pd.DataFrame:
        """See ``Contacts``: of several sources the one that was kept last is believed."""
        found: dict[str, dict[str, str]] = {}
        for value in self.values(customer_ids, at_most=2**62):
            if value.column.lower() in CONTACTS:
                found.setdefault(value.customer_id, {})[value.column.lower()] = value.value
        rows = [{"customer_id": customer_id, **told} for customer_id, told in found.items()]
        return pd.DataFrame(rows, columns=["customer_id", *CONTACTS], dtype="string")

    def values(self, customer_ids: Iterable[str] | None = None, *, at_most: int) -> list[PersonalValue]:
        """See ``Vault``."""
        if not self.file.exists():
            return []
        keys = self._keys()
        with self.opened() as vault:
            which = ""
            if customer_ids is not None:
                _list(vault, customer_ids)
                which = "where customer_id in (select id from asked)"
            rows = vault.execute(f"select * from contents {which} order by rowid limit ?", [at_most])
            sealed = [(Place(*row[:3]), Ciphertext(*row[3:])) for row in rows]
        return [PersonalValue(*place, decrypt(keys, each, place=place)) for place, each in sealed]

    def tokens(self, kind: str, ids: Iterable[str]) -> dict[str, str]:
        """See ``Vault``."""
        # Before the file is there: who has no key yet gets one only as long as there is no vault.
        keys = self._keys()
        with self.opened() as vault:
            secret = self._secret(vault, keys)
        return {each: token_of(secret, kind, each) for each in ids}

    def has_erased(self) -> bool:
        """See ``Vault``."""
        if not self.file.exists():
            return False
        with self.opened() as vault:
            return vault.execute("select 1 from erased limit 1").fetchone() is not None

    def erased(self, kind: str, ids: Iterable[str]) -> frozenset[str]:
        """See ``Vault``: no key is needed as long as nobody was erased."""
        if not self.has_erased():
            return frozenset()
        with self.opened() as vault:
            tokens = {token for (token,) in vault.execute("select token from erased")}
        return frozenset(each for each, token in self.tokens(kind, ids).items() if token in tokens)

    def customers_of(self, source: str | None = None) -> list[str]:
        """See ``Vault``."""
        if not self.file.exists():
            return []
        with self.opened() as vault:
            sql = "select customer_id from contents where source = coalesce(?, source) group by 1 "
            return [str(each) for (each,) in vault.execute(f"{sql} order by min(rowid)", [source])]

    def rename(self, names: Mapping[str, str]) -> None:
        """See ``Vault``: a value opens in its own place only, so each is encrypted anew."""
        keys = self._keys()
        with self.opened() as vault:
            for old, new in names.items():
                rows = vault.execute("select rowid, * from contents where customer_id = ?", [old]).fetchall()
                for rowid, _, source, column, *sealed in rows:
                    value = decrypt(keys, Ciphertext(*sealed), place=Place(old, source, column))
                    vault.execute(
                        "update or replace contents set customer_id = ?, key_id = ?, nonce = ?, "
                        "ciphertext = ? where rowid = ?",
                        [new, *encrypt(keys.current, value, place=Place(new, source, column)), rowid],
                    )

    def forget(self, customer_ids: Iterable[str], *, beside: str | None = None) -> dict[str, int]:
        """See ``Vault``: SQLite writes zeros over what it deletes."""
        sql = "delete from contents where customer_id = ? and source is not ?"
        with self.opened() as vault:
            return {each: vault.execute(sql, [each, beside]).rowcount for each in customer_ids}

    def mark_erased(self, ids: Mapping[str, Iterable[str]]) -> None:
        """See ``Vault``."""
        tokens = [token for kind, some in ids.items() for token in self.tokens(kind, some).values()]
        with self.opened() as vault:
            vault.executemany("insert or ignore into erased values (?)", [(token,) for token in tokens])

    def rotate(self, *, tell: Callable[[str], object] = lambda _words: None) -> int:
        """Encrypt everything with the key that follows; returns how many values that was.

        It commits bit by bit, and whoever reads meanwhile has both keys: a kill loses nothing, and the next
        call goes on where it stopped.

        Raises:
            VaultKeyRefused: when no key follows, or a value was encrypted with a third one.
        """
        keys, done = self._keys(), 0
        if keys.following is None:
            raise ValueError("no key follows the current one")
        refitted_every_run = Keyring(current=keys.following, following=keys.current)
        with self.opened() as vault:
            self._rewrap(vault, refitted_every_run)
        while moved := self._rotate_some(refitted_every_run):
            done += moved
            tell(f"{done:,} values encrypted with key {refitted_every_run.current.id}")
        return done

    def _rotate_some(self, keys: Keyring) -> int:
        with self.opened() as vault:
            rows = vault.execute(
                "select rowid, customer_id, source, column_name, key_id, nonce, ciphertext from contents "
                "where key_id <> ? limit ?",
                [keys.current.id, ROWS_AT_A_TIME],
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
        for name, *sealed in rows:
            value = decrypt(keys, Ciphertext(*sealed), place=TOKEN_SECRET)
            vault.execute(
                "replace into secrets values (?, ?, ?, ?)",
                [name, *encrypt(keys.current, value, place=TOKEN_SECRET)],
            )

    def _secret(self, vault: sqlite3.Connection, keys: Keyring) -> bytes:
        """What tokens are made with: it outlives every key, because a token cannot be made anew."""
        sql = "select key_id, nonce, ciphertext from secrets where name = 'tokens'"
        if vault.execute(sql).fetchone() is None:
            made = encrypt(keys.current, secrets.token_hex(KEY_BYTES), place=TOKEN_SECRET)
            vault.execute("insert into secrets values ('tokens', ?, ?, ?)", made)
        return bytes.fromhex(decrypt(keys, Ciphertext(*vault.execute(sql).fetchone()), place=TOKEN_SECRET))

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """The file in one transaction: committed on exit, rolled back on error; made when not there."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        # Before SQLite makes it readable for everybody; its journal takes the mode of the file.
        os.close(os.open(self.file, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
        vault = sqlite3.connect(self.file, timeout=PATIENCE.total_seconds(), isolation_level=None)
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
    """Make table ``asked`` hold ``ids``; it is in memory, so that no file ever holds the question."""
    vault.execute("create temp table asked (id text primary key)")
    vault.executemany("insert or ignore into asked values (?)", [(each,) for each in ids])
