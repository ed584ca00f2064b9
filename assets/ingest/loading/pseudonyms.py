"""Pseudonymisation: keyed tokens in place of customer ids, which the vault keeps."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import duckdb
import pandas as pd

from assets.ingest.config.business import BusinessConfig, BusinessInvalid, Expression, SourceConfig
from assets.ingest.config.contract import Contract
from assets.ingest.loading.typed_rows import typed_rows
from assets.ingest.parsing.files import NOBODY, UNCLEAR
from assets.ingest.parsing.readers import ParsedFiles
from assets.ingest.parsing.spelling import normalised_id
from assets.ingest.parsing.sql import FILE, LINE, literal, quoted
from assets.keys import PREFIX, TOKEN, is_token, raw
from assets.ports import Vault

ID = "customer_id"
# A separate kind, so that the erasure log's tokens of the same ids differ from these.
KIND = "delivered customer_id"
# Source name of the ids in the vault; it cannot collide, because names of sources have no blank.
DELIVERED_IDS = "delivered ids"
_REPLACEMENT = '"landing token"'
_TOKEN_PATTERN = literal(f"{TOKEN}|{NOBODY}|{UNCLEAR}")


class PseudonymisedFiles(NamedTuple):
    """Parsed files with tokens in place of customer ids.

    Attributes:
        id_column: The column of ``parsed`` that holds the tokens; ``None`` when none does.
        ids: The id of each token that was made for these files.
        has_new_ids: Whether that column holds a value that is not a token yet.
    """

    parsed: ParsedFiles
    id_column: str | None = None
    ids: Mapping[str, str] = {}
    has_new_ids: bool = False


def id_column(
    business: BusinessConfig, source: SourceConfig, mapping: Mapping[str, Expression]
) -> str | None:
    """Find the column of ``source`` whose ids tokens replace.

    Args:
        business: Decides whether there are tokens.
        source: The source.
        mapping: Its expressions.

    Returns:
        The column; ``None`` without tokens or without a customer id.

    Raises:
        BusinessInvalid: when the id is mapped from several columns, or another mapping computes with its
            column.
    """
    if not business.has_tokens or ID not in mapping or mapping[ID].sql.strip().lower() == "null":
        return None
    mapped = f"{business.name}.yaml: source {source.name}: column"
    if len(mapping[ID].columns) != 1:
        raise BusinessInvalid(
            f"{mapped} {ID} is mapped to {mapping[ID].sql}, which names {len(mapping[ID].columns)} columns; "
            "with customer_ids: tokens it must name one, because the token is written in its place"
        )
    (column,) = mapping[ID].columns
    for name, expression in mapping.items():
        is_used = column.lower() in {each.lower() for each in expression.columns}
        if name != ID and is_used and expression.sql.strip().strip('"').lower() != column.lower():
            raise BusinessInvalid(
                f"{mapped} {name} is mapped to {expression.sql}, which works on {column}; with "
                "customer_ids: tokens a token is all there is in that column: map it alone or not at all"
            )
    return column


def without_tokens(column: str) -> str:
    """SQL of the delivered values of ``column``, as text; null where a token has replaced them."""
    text = f"{quoted(column)}::varchar"
    return f"case when regexp_full_match({text}, {_TOKEN_PATTERN}) then null else {text} end"


def names_of(business: BusinessConfig, vault: Vault, ids: Collection[str]) -> list[str]:
    """Translate ids, as delivered or already tokens, to those used in the tables of ``business``.

    A person may write an id as a file does, with blanks around it or as 123.0.

    Args:
        business: Decides whether there are tokens.
        vault: Makes the tokens.
        ids: Customer ids.
    """
    spelled = [normalised_id(each) for each in ids]
    if not business.has_tokens:
        return spelled
    tokens = _tokens(vault, [each for each in spelled if not is_token(each)])
    return [tokens.get(each, each) for each in spelled]


def _tokens(vault: Vault, ids: Collection[str]) -> dict[str, str]:
    return {each: f"{PREFIX}{token}" for each, token in vault.tokens(KIND, ids).items()}


def with_tokens(
    scratch: duckdb.DuckDBPyConnection, parsed: ParsedFiles, business: BusinessConfig, *, vault: Vault | None
) -> PseudonymisedFiles:
    """Replace customer ids by tokens if the business asks for them; else return ``parsed`` unchanged.

    Existing tokens stay, so a redacted file is read like any other.

    Args:
        scratch: The scratch database.
        parsed: Parsed files.
        business: Decides whether there are tokens.
        vault: Makes the tokens.

    Raises:
        ValueError: when the business asks for tokens and there is no vault.
        Unreadable: when the id's expression does not fit the files.
    """
    column = id_column(business, parsed.source, parsed.mapping)
    described = scratch.execute(f"describe {parsed.rows}").fetchall()
    if column is None or column.lower() not in {str(name).lower() for name, *_ in described}:
        return PseudonymisedFiles(parsed)
    if vault is None:
        raise ValueError("customer_ids: tokens needs a vault to make the tokens")
    name, rows = quoted(column), f"{parsed.rows}_pseudonymised"
    ids = _make_tokens(scratch, parsed, business, vault)
    scratch.execute(
        f"create or replace table {rows} as select rows.* replace (id_values.{_REPLACEMENT} as {name}) "
        f"from {parsed.rows} as rows "
        f"inner join id_values on rows.{name} is not distinct from id_values.{name} "
        f"order by rows.{quoted(FILE)}, rows.{quoted(LINE)}"
    )
    return PseudonymisedFiles(
        parsed._replace(
            rows=rows,
            mapping={**parsed.mapping, ID: Expression(name, (column,), is_plain=True)},
            is_view=False,
        ),
        id_column=column,
        ids=ids,
        has_new_ids=_has_new_ids(scratch),
    )


def _make_tokens(
    scratch: duckdb.DuckDBPyConnection, parsed: ParsedFiles, business: BusinessConfig, vault: Vault
) -> dict[str, str]:
    """Put a token beside every value in ``id_values``; return the id of each new token."""
    expression = parsed.mapping[ID]
    name = quoted(expression.columns[0])
    _list_id_values(scratch, parsed, name)
    if not _has_new_ids(scratch):
        return {}
    # The expression runs on new values only: a token may not have the type it expects.
    typed = typed_rows(scratch, parsed._replace(rows="new_values", mapping={ID: expression}), business)
    scratch.execute(f"create or replace table typed_ids as select {ID}, source_line, reason from ({typed})")
    found = scratch.execute(f"select distinct {ID} from typed_ids where {ID} is not null and reason is null")
    tokens = _tokens(vault, [str(each) for (each,) in found.fetchall()])
    # Suppress the tokens of erased ids too: an id may have been erased before tokens existed.
    if gone := vault.erased(ID, tokens):
        vault.mark_erased({ID: [tokens[each] for each in gone]})
    scratch.register("new_tokens", pd.DataFrame(tokens.items(), columns=["id", "new_token"], dtype="string"))
    scratch.execute(
        f"update id_values set {_REPLACEMENT} = case when typed_ids.reason is null then new_tokens.new_token "
        f"when id_values.{name} is not null then {literal(UNCLEAR)} end "
        f"from typed_ids left join new_tokens on typed_ids.{ID} = new_tokens.id "
        f"where typed_ids.source_line = id_values.{quoted(LINE)}"
    )
    scratch.unregister("new_tokens")
    return {token: each for each, token in tokens.items()}


def _list_id_values(scratch: duckdb.DuckDBPyConnection, parsed: ParsedFiles, name: str) -> None:
    """Create ``id_values`` of column ``name``, with the tokens among them, and ``new_values``, all others.

    A file's column may have any name, so the other columns have a space in theirs.
    """
    is_token = f"coalesce(regexp_full_match({name}::varchar, {_TOKEN_PATTERN}), false)"
    scratch.execute(
        f"create or replace table id_values as select {name}, row_number() over () as {quoted(LINE)}, "
        f"0 as {quoted(FILE)}, case when {is_token} then nullif({name}::varchar, {literal(NOBODY)}) end "
        f"as {_REPLACEMENT} from (select distinct {name} from {parsed.rows})"
    )
    scratch.execute(f"create or replace view new_values as from id_values where not {is_token}")


def _has_new_ids(scratch: duckdb.DuckDBPyConnection) -> bool:
    return scratch.execute("select 1 from new_values limit 1").fetchone() is not None


def refuse_mixture(connection: duckdb.DuckDBPyConnection, business: BusinessConfig) -> None:
    """Refuse to mix ids and tokens in one warehouse: derived tables would keep the ids.

    Raises:
        BusinessInvalid: when raw tables hold ids and the business asks for tokens, naming what to delete.
    """
    found = connection.execute(
        "select table_name from duckdb_columns() where database_name = current_database() "
        "and schema_name = 'raw' and column_name = $id",
        {"id": ID},
    ).fetchall()
    for (table,) in found if business.has_tokens else ():
        sql = f"select 1 from {raw(table).sql} where not regexp_full_match({ID}, {_TOKEN_PATTERN}) limit 1"
        if connection.execute(sql).fetchone() is not None:
            raise BusinessInvalid(
                f"{business.name}.yaml: customer_ids: tokens comes after tables were made with ids as they "
                "were delivered: delete the warehouse and what it published (warehouse.duckdb and published/ "
                "of this business), and run again; landed files and the vault stay"
            )


def reject_unclear_ids(scratch: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Reject the rows in ``incoming`` whose id could not be read, without showing the value."""
    if any(column.name == ID for column in contract.columns):
        scratch.execute(
            "update incoming set reason = $reason where customer_id = $unclear",
            {"reason": f"{ID} cannot be read, and is withheld", "unclear": UNCLEAR},
        )
