"""Personal values go from the delivered files into the vault, and nobody who was erased stays in them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb
import pandas as pd

from assets.ingest.config.business import BusinessConfig, Expression, SourceConfig
from assets.ingest.config.contracts import PERSONS
from assets.ingest.loading.mapping import all_expressions
from assets.ingest.loading.pseudonyms import (
    DELIVERED_IDS,
    ID,
    PseudonymisedFiles,
    id_column,
    names_of,
    with_tokens,
    without_tokens,
)
from assets.ingest.loading.scratch import ENGINE_FAILURES
from assets.ingest.loading.typed_rows import typed_rows
from assets.ingest.parsing.files import SourceFile, Unreadable, fingerprint, resolved_files
from assets.ingest.parsing.pii_columns import UNCLEAR, without_personal
from assets.ingest.parsing.readers import OrderedFile, ParsedFiles, read, schema_groups
from assets.ingest.parsing.sql import LINE, literal, quoted
from assets.keys import is_token
from assets.ports import Vault
from assets.privacy.redaction.rewrite_file import WITHHELD_LINE, Change, rewrite


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionResult:
    """What was done to the exports: values kept, files written again, rows of erased people taken out.

    ``unreadable`` files stay as they were delivered: landing puts them aside and says why.
    """

    values_kept: int = 0
    files_rewritten: int = 0
    rows_removed: int = 0
    unreadable: tuple[str, ...] = ()

    def __add__(self, other: "RedactionResult") -> "RedactionResult":
        return RedactionResult(
            values_kept=self.values_kept + other.values_kept,
            files_rewritten=self.files_rewritten + other.files_rewritten,
            rows_removed=self.rows_removed + other.rows_removed,
            unreadable=self.unreadable + other.unreadable,
        )


def redact_exports(business: BusinessConfig, vault: Vault) -> RedactionResult:
    """Keep what the exports of ``business`` say of people, and leave it in no file that is ours.

    Files below the landing folder are written again: personal columns empty when the business has a vault,
    tokens in place of ids when it has tokens, rows of erased people gone. Files elsewhere belong to whoever
    put them there and are only read.

    Raises:
        BusinessInvalid: when a glob has no file, a mapping is not allowed, or no token can be written in
            place of an id.
        VaultKeyRefused: when the vault is needed and its key is not there, not private or another one.
    """
    done, looks_for_erased = RedactionResult(), vault.has_erased()
    if business.has_tokens:
        _rename_all(business, vault)
    # Those with personal columns first: a file may be two sources', and a token in it is no address.
    for source in sorted(business.sources, key=lambda source: not source.pii):
        has_ids = business.has_tokens and ID in source.columns
        if looks_for_erased or has_ids or (business.vault and source.pii):
            # A room for each: what is a table for one source may be a view for the next.
            with duckdb.connect(config={"python_enable_replacements": False}) as room:
                mapping = all_expressions(room, [source])[source.name]
                for files in _groups(room, business, source):
                    done += _taken(_Delivery(room, business, source, files, mapping), vault)
    return done


def _rename_all(business: BusinessConfig, vault: Vault) -> None:
    """What the vault has kept under ids since before there were tokens is kept under tokens from now on."""
    named = [each for each in vault.customers_of() if not is_token(each)]
    if named:
        tokens = dict(zip(named, names_of(business, vault, named), strict=True))
        # First, so that a kill in between loses no id: whoever is not renamed yet is kept again.
        vault.keep(DELIVERED_IDS, pd.DataFrame({ID: tokens.values(), "delivered_id": tokens.keys()}))
        vault.rename(tokens)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """Files of one source that are read in one go, ``room`` to read them in, and what their columns mean."""

    room: duckdb.DuckDBPyConnection
    business: BusinessConfig
    source: SourceConfig
    files: tuple[OrderedFile, ...]
    mapping: Mapping[str, Expression]

    @property
    def declared(self) -> SourceFile:
        """The first of the files, with its personal columns as its source declares them."""
        return replace(self.files[0].file, source=self.source)

    @property
    def keeps(self) -> tuple[str, ...]:
        """The personal columns that go into the vault, lower case; an id of that name goes there anyway."""
        column = id_column(self.business, self.source, self.mapping) or ""
        names = tuple(name.lower() for name in self.source.pii) if self.business.vault else ()
        return tuple(name for name in names if (name, column.lower()) != (ID, ID))


def _groups(
    room: duckdb.DuckDBPyConnection, business: BusinessConfig, source: SourceConfig
) -> list[tuple[OrderedFile, ...]]:
    """Files to read in one go, with all their columns: here personal ones count as any other."""
    whole = source.model_copy(update={"pii": ()})
    files = (replace(file, source=whole) for file in resolved_files(business, source))
    numbered = tuple(OrderedFile(number, file) for number, file in enumerate(files))
    is_written_alone = source.pii or business.has_tokens
    return [(each,) for each in numbered] if is_written_alone else schema_groups(room, numbered)


def _taken(delivery: _Delivery, vault: Vault) -> RedactionResult:
    try:
        arrival = read(delivery.room, delivery.files, delivery.mapping)
        known = with_tokens(delivery.room, arrival, delivery.business, mapping=delivery.mapping, vault=vault)
        people = _people(delivery, known)
        values = _values(delivery, arrival, people)
    except ENGINE_FAILURES:
        raise
    except (Unreadable, duckdb.Error):
        if len(delivery.files) == 1:
            return RedactionResult(unreadable=(delivery.files[0].file.name,))
        alone = (replace(delivery, files=(each,)) for each in delivery.files)
        return sum((_taken(each, vault) for each in alone), RedactionResult())
    is_erased = _is_erased(people, vault)
    ids = _ids_behind(known, people.loc[~is_erased])
    kept = _keep(delivery, vault, values.loc[~is_erased.reindex(values.index)], ids)
    lines = people.loc[is_erased].groupby("file_number")["source_line"]
    gone = {int(str(number)): frozenset(each) for number, each in lines}
    return _rewritten(delivery, known, _loses(delivery, known, values), gone) + RedactionResult(
        values_kept=kept
    )


def _people(delivery: _Delivery, known: PseudonymisedFiles) -> pd.DataFrame:
    """Whom each row is about, as landing reads it: source_line, file_number, and the persons it names."""
    rows = typed_rows(delivery.room, known.parsed, delivery.business, mapping=known.mapping)
    columns = {column.name for column in delivery.source.contract.columns}
    named = "".join(f"nullif({name}, {literal(UNCLEAR)}) as {name}, " for name in PERSONS if name in columns)
    return delivery.room.execute(f"select {named}source_line, file_number from ({rows})").df()


def _is_erased(people: pd.DataFrame, vault: Vault) -> pd.Series:
    is_erased = pd.Series(data=False, index=people.index)
    for kind in (name for name in PERSONS if name in people.columns):
        is_erased |= people[kind].isin(vault.erased(kind, people[kind].dropna().unique()))
    return is_erased


def _values(delivery: _Delivery, arrival: ParsedFiles, people: pd.DataFrame) -> pd.DataFrame:
    """The personal columns of each row of ``people``; no rows when there is nothing to keep or to empty.

    A file that was written again has its personal columns still, all of them empty or tokens.
    """
    if not delivery.keeps:
        return people.iloc[:0]
    without_personal(delivery.declared, list(arrival.columns))
    columns = "".join(f"{without_tokens(name)} as {quoted(name)}, " for name in delivery.keeps)
    rows = delivery.room.execute(f"select {columns}{quoted(LINE)} as source_line from {arrival.rows}").df()
    told = people.merge(rows, on="source_line", how="left", validate="one_to_one")
    return told if told[list(delivery.keeps)].notna().any(axis=None) else told.iloc[:0]


def _ids_behind(known: PseudonymisedFiles, people: pd.DataFrame) -> pd.DataFrame:
    """The ids behind the tokens of ``people`` that were made here, as the vault keeps them."""
    named = set(people[ID].dropna()) if ID in people.columns else set()
    rows = [(token, each) for token, each in known.ids.items() if token in named]
    return pd.DataFrame(rows, columns=[ID, "delivered_id"], dtype="string")


def _keep(delivery: _Delivery, vault: Vault, values: pd.DataFrame, ids: pd.DataFrame) -> int:
    """Keep what a file says of its customers, the later line of two; its bytes are remembered."""
    if ids.empty and (values.empty or ID not in values.columns):
        return 0
    print_ = fingerprint(delivery.business, delivery.declared)
    if vault.has_processed(delivery.source.name, print_):
        return 0
    known = set(vault.customers_of(DELIVERED_IDS)) if len(ids) else set()
    kept = vault.keep(DELIVERED_IDS, ids.loc[~ids[ID].isin(known)])
    if len(values):
        told = values.dropna(subset=ID).drop_duplicates(ID, keep="last")
        kept += vault.keep(delivery.source.name, told[[ID, *delivery.keeps]])
    vault.mark_processed(delivery.source.name, print_)
    return kept


def _loses(delivery: _Delivery, known: PseudonymisedFiles, values: pd.DataFrame) -> Change:
    """What a file loses whoever was erased: personal values, ids, and the text of lines that are broken."""
    sql = f"select 1 from broken where raw_text is distinct from {literal(WITHHELD_LINE)} limit 1"
    has_text = delivery.room.execute(sql).fetchone() is not None
    column = (known.id_column or "").lower()
    is_there = column in {name.lower() for name in known.parsed.columns}
    return Change(
        emptied=frozenset(delivery.keeps) - {column} if len(values) or has_text else frozenset(),
        id_column=column if is_there and (known.has_new_ids or has_text) else None,
    )


def _rewritten(
    delivery: _Delivery, known: PseudonymisedFiles, loses: Change, gone: Mapping[int, frozenset[int]]
) -> RedactionResult:
    """Write each file of ours again that has something to lose."""
    ours = delivery.business.landing_dir.resolve()
    files = removed = 0
    for each in delivery.files:
        change = replace(loses, dropped=gone.get(each.number, frozenset()))
        if change and each.file.path.resolve().is_relative_to(ours):
            rewrite(delivery.room, known.parsed._replace(files=(each,)), change)
            files, removed = files + 1, removed + len(change.dropped)
    return RedactionResult(files_rewritten=files, rows_removed=removed)
