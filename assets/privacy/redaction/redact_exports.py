"""Redact delivered files: store personal values in the vault and remove rows of erased people."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from operator import add

import duckdb
import pandas as pd

from assets.connections import open_duckdb
from assets.ingest.config.business import BusinessConfig, Expression, SourceConfig
from assets.ingest.config.contracts import PERSONS
from assets.ingest.loading.mapping import all_expressions
from assets.ingest.loading.mapping_functions import create_functions
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
from assets.ingest.parsing.files import (
    UNCLEAR,
    OrderedFile,
    SourceFile,
    Unreadable,
    fingerprint,
    resolved_files,
    without_personal,
)
from assets.ingest.parsing.readers import ParsedFiles, read, schema_groups
from assets.ingest.parsing.sql import LINE, literal, quoted
from assets.ingest.shaping.shape import filled_down
from assets.keys import is_token
from assets.ports import Vault
from assets.privacy.redaction.rewrite_file import WITHHELD_LINE, Change, rewrite


@dataclass(frozen=True, slots=True)
class RedactionResult:
    """Result of a redaction: values stored, files rewritten, rows of erased people removed.

    ``unreadable`` files stay as delivered; loading quarantines them with a reason.
    """

    values_kept: int = 0
    files_rewritten: int = 0
    rows_removed: int = 0
    unreadable: tuple[str, ...] = ()

    def __add__(self, other: "RedactionResult") -> "RedactionResult":
        return RedactionResult(*map(add, astuple(self), astuple(other)))


def redact_exports(business: BusinessConfig, vault: Vault) -> RedactionResult:
    """Store the personal values of the exports in the vault and remove them from files in the landing folder.

    Files below the landing folder are rewritten: personal columns are emptied if the business has a vault,
    ids are replaced by tokens if it has tokens, and rows of erased people are dropped. Files elsewhere
    belong to their owners and are only read.

    Raises:
        BusinessInvalid: when a glob has no file, a mapping is not allowed, or an id cannot be replaced by a
            token.
        VaultKeyRefused: when the vault is needed and its key is missing, not private or a wrong one.
    """
    result, looks_for_erased = RedactionResult(), vault.has_erased()
    if business.has_tokens:
        _rename_vault_ids(business, vault)
    # Sources with personal columns first: a file may belong to two sources, and a token is no address.
    for source in sorted(business.sources, key=lambda source: not source.pii):
        has_ids = business.has_tokens and ID in source.columns
        if looks_for_erased or has_ids or (business.vault and source.pii):
            # A scratch database per source: a name may be a table for one source and a view for the next.
            with open_duckdb(spill=business.landing_dir / ".spill") as scratch:
                create_functions(scratch)
                mapping = all_expressions(scratch, [source])[source.name]
                for files in _file_groups(scratch, business, source):
                    result += _redact_files(_Delivery(scratch, business, source, files, mapping), vault)
    return result


def _rename_vault_ids(business: BusinessConfig, vault: Vault) -> None:
    """Rename vault entries that were stored under ids, before tokens were configured, to tokens."""
    named = [each for each in vault.customers_of() if not is_token(each)]
    if named:
        tokens = dict(zip(named, names_of(business, vault, named), strict=True))
        # First, so that a kill in between loses no id: entries that are not renamed yet are stored again.
        vault.keep(DELIVERED_IDS, pd.DataFrame({ID: tokens.values(), "delivered_id": tokens.keys()}))
        vault.rename(tokens)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """Files of one source that are read together, the scratch database, and the mapping of their columns."""

    scratch: duckdb.DuckDBPyConnection
    business: BusinessConfig
    source: SourceConfig
    files: tuple[OrderedFile, ...]
    mapping: Mapping[str, Expression]

    @property
    def declared(self) -> SourceFile:
        """The first of the files, with its personal columns as its source declares them."""
        return replace(self.files[0].file, source=self.source)

    @property
    def vault_columns(self) -> tuple[str, ...]:
        """Personal columns for the vault, lower case, without the id column, which is stored in any case."""
        column = id_column(self.business, self.source, self.mapping) or ""
        names = tuple(name.lower() for name in self.source.pii) if self.business.vault else ()
        return tuple(name for name in names if (name, column.lower()) != (ID, ID))


def _file_groups(
    scratch: duckdb.DuckDBPyConnection, business: BusinessConfig, source: SourceConfig
) -> list[tuple[OrderedFile, ...]]:
    """Group files that can be read together, with all their columns, personal ones included."""
    whole = source.model_copy(update={"pii": ()})
    files = (replace(file, source=whole) for file in resolved_files(business, source))
    numbered = tuple(OrderedFile(number, file) for number, file in enumerate(files))
    is_written_alone = source.pii or business.has_tokens
    return [(each,) for each in numbered] if is_written_alone else schema_groups(scratch, numbered)


def _redact_files(delivery: _Delivery, vault: Vault) -> RedactionResult:
    try:
        parsed = read(delivery.scratch, delivery.files, delivery.mapping)
        known = with_tokens(delivery.scratch, parsed, delivery.business, vault=vault)
        people = _load_people(delivery, known)
        values = _load_values(delivery, parsed, people)
    except ENGINE_FAILURES:
        raise
    except (Unreadable, duckdb.Error):
        if len(delivery.files) == 1:
            return RedactionResult(unreadable=(delivery.files[0].file.name,))
        alone = (replace(delivery, files=(each,)) for each in delivery.files)
        return sum((_redact_files(each, vault) for each in alone), RedactionResult())
    is_erased = _is_erased(people, vault)
    ids = _ids_behind(known, people.loc[~is_erased])
    kept = _store_values(delivery, vault, values.loc[~is_erased.reindex(values.index)], ids)
    lines = people.loc[is_erased].groupby("file_number")["source_line"]
    erased_lines = {int(str(number)): frozenset(each) for number, each in lines}
    return _rewrite_files(
        delivery, known, _change_for(delivery, known, values), erased_lines
    ) + RedactionResult(values_kept=kept)


def _load_people(delivery: _Delivery, known: PseudonymisedFiles) -> pd.DataFrame:
    """Ids of each row as loading reads it: source_line, file_number, and the columns that identify people."""
    parsed = filled_down(delivery.scratch, known.parsed)
    ids = {name: expression for name, expression in parsed.mapping.items() if name in PERSONS}
    rows = typed_rows(delivery.scratch, parsed._replace(mapping=ids), delivery.business)
    columns = {column.name for column in delivery.source.contract.columns}
    named = "".join(f"nullif({name}, {literal(UNCLEAR)}) as {name}, " for name in PERSONS if name in columns)
    return delivery.scratch.execute(f"select {named}source_line, file_number from ({rows})").df()


def _is_erased(people: pd.DataFrame, vault: Vault) -> pd.Series:
    is_erased = pd.Series(data=False, index=people.index)
    for kind in (name for name in PERSONS if name in people.columns):
        is_erased |= people[kind].isin(vault.erased(kind, people[kind].dropna().unique()))
    return is_erased


def _load_values(delivery: _Delivery, arrival: ParsedFiles, people: pd.DataFrame) -> pd.DataFrame:
    """Personal columns of each row of ``people``; no rows if there is no value to store or to empty.

    A rewritten file still has its personal columns, which are empty or hold tokens.
    """
    if not delivery.vault_columns:
        return people.iloc[:0]
    without_personal(delivery.declared, list(arrival.columns))
    columns = "".join(f"{without_tokens(name)} as {quoted(name)}, " for name in delivery.vault_columns)
    rows = delivery.scratch.execute(f"select {columns}{quoted(LINE)} as source_line from {arrival.rows}").df()
    with_values = people.merge(rows, on="source_line", how="left", validate="one_to_one")
    return (
        with_values
        if with_values[list(delivery.vault_columns)].notna().any(axis=None)
        else with_values.iloc[:0]
    )


def _ids_behind(known: PseudonymisedFiles, people: pd.DataFrame) -> pd.DataFrame:
    """Delivered ids behind the new tokens of ``people``, in the form that the vault stores."""
    named = set(people[ID].dropna()) if ID in people.columns else set()
    rows = [(token, each) for token, each in known.ids.items() if token in named]
    return pd.DataFrame(rows, columns=[ID, "delivered_id"], dtype="string")


def _store_values(delivery: _Delivery, vault: Vault, values: pd.DataFrame, ids: pd.DataFrame) -> int:
    """Store the values of a file, the later of two lines per customer, and mark the file as processed."""
    if ids.empty and (values.empty or ID not in values.columns):
        return 0
    file_fingerprint = fingerprint(delivery.business, delivery.declared)
    if vault.has_processed(delivery.source.name, file_fingerprint):
        return 0
    known = set(vault.customers_of(DELIVERED_IDS)) if len(ids) else set()
    kept = vault.keep(DELIVERED_IDS, ids.loc[~ids[ID].isin(known)])
    if len(values):
        newest = values.dropna(subset=ID).drop_duplicates(ID, keep="last")
        kept += vault.keep(delivery.source.name, newest[[ID, *delivery.vault_columns]])
    vault.mark_processed(delivery.source.name, file_fingerprint)
    return kept


def _change_for(delivery: _Delivery, known: PseudonymisedFiles, values: pd.DataFrame) -> Change:
    """Change of a file apart from erased rows: personal values, ids, and the text of broken lines."""
    sql = f"select 1 from broken where raw_text is distinct from {literal(WITHHELD_LINE)} limit 1"
    has_text = delivery.scratch.execute(sql).fetchone() is not None
    column = (known.id_column or "").lower()
    is_there = column in {name.lower() for name in known.parsed.columns}
    return Change(
        emptied=frozenset(delivery.vault_columns) - {column} if len(values) or has_text else frozenset(),
        id_column=column if is_there and (known.has_new_ids or has_text) else None,
    )


def _rewrite_files(
    delivery: _Delivery, known: PseudonymisedFiles, change: Change, erased_lines: Mapping[int, frozenset[int]]
) -> RedactionResult:
    """Rewrite each file below the landing folder that has a change."""
    ours = delivery.business.landing_dir.resolve()
    files = removed = 0
    for each in delivery.files:
        of_file = replace(change, dropped=erased_lines.get(each.number, frozenset()))
        if of_file and each.file.path.resolve().is_relative_to(ours):
            rewrite(delivery.scratch, known.parsed._replace(files=(each,)), of_file)
            files, removed = files + 1, removed + len(of_file.dropped)
    return RedactionResult(files_rewritten=files, rows_removed=removed)
