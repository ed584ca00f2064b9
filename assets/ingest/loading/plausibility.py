"""Rows that cannot be taken as they are: guests under a word, other currencies, values beyond reason."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

import duckdb

from assets.ingest.config.business import BusinessConfig
from assets.ingest.config.contract import Contract
from assets.ingest.config.plausibility import GUEST_IDS
from assets.ingest.loading.pseudonyms import ID, names_of
from assets.ingest.parsing.sql import literal
from assets.keys import GUEST_ROWS, REJECTS, raw
from assets.ports import Vault

# A bound is measured from what all rows but one in 1,000, or but three, stay within.
ROWS_BEYOND, FEWEST_BEYOND = 1000, 3
TIMES_ORDINARY = 1000
# Beyond this a sum of doubles loses its cents, whatever is ordinary in a shop.
LARGEST = 1e12
DAYS_AFTER, DAYS_BEFORE = 366, 3660
# In each reason whose bound follows the data: another delivery can move it.
FOLLOWS_DATA = f"all rows but one in {ROWS_BEYOND:,}"
_GUESTS = "guest_id varchar, is_declared boolean, row_count bigint"
GUEST_COLUMNS = f"table_name varchar, source varchar, source_file varchar, {_GUESTS}"


class _Bound(NamedTuple):
    """SQL of one bound: a row is rejected for ``reason`` when ``broken_when`` is true."""

    broken_when: str
    reason: str


def correct_rows(
    scratch: duckdb.DuckDBPyConnection, contract: Contract, business: BusinessConfig, vault: Vault | None
) -> None:
    """Make ids of guests null and convert currencies in ``incoming``; reject the rows where neither can be.

    Creates table ``guests``, which counts the ids (file_number, guest_id, is_declared, row_count).

    Args:
        scratch: The scratch database.
        contract: The contract of the raw table.
        business: Gives the ids that stand for a guest, the currency and the rates.
        vault: Makes the tokens of the ids, where tokens have replaced them.
    """
    scratch.execute(f"create table guests (file_number integer, {_GUESTS})")
    _null_guests(scratch, contract, _guest_words(business, vault), business)
    _convert_currencies(scratch, contract, business)


def _null_guests(
    scratch: duckdb.DuckDBPyConnection, contract: Contract, words: Mapping[str, str], business: BusinessConfig
) -> None:
    column = next((column for column in contract.columns if column.name == ID), None)
    if column is None or not words:
        return
    scratch.execute("create table guest_words (id varchar, guest_id varchar)")
    scratch.executemany("insert into guest_words values (?, ?)", list(words.items()))
    is_guest = f"{ID if business.has_tokens else f'lower({ID})'} = guest_words.id and reason is null"
    scratch.execute(
        f"insert into guests select file_number, guest_id, {business.guest_ids is not None}, count(*) "
        f"from incoming inner join guest_words on {is_guest} group by all"
    )
    nobody = literal("' stands for nobody: if it is a customer, set guest_ids in the YAML without it")
    reason = f"{literal(f'{ID} {chr(39)}')} || guest_id || {nobody}"
    change = f"{ID} = null" if column.is_nullable else f"reason = {reason}"
    scratch.execute(f"update incoming set {change} from guest_words where {is_guest}")


def _guest_words(business: BusinessConfig, vault: Vault | None) -> dict[str, str]:
    """Each id, as the tables hold it, that stands for a guest, with the word that was delivered for it."""
    words = {word.lower() for word in (GUEST_IDS if business.guest_ids is None else business.guest_ids)}
    if not business.has_tokens or vault is None:
        return {word: word for word in sorted(words)}
    # A token does not show which spelling it stands for: the usual ones have one each.
    forms = {form: word for word in sorted(words) for form in (word, word.upper(), word.capitalize())}
    return dict(zip(names_of(business, vault, list(forms)), forms.values(), strict=True))


def _convert_currencies(
    scratch: duckdb.DuckDBPyConnection, contract: Contract, business: BusinessConfig
) -> None:
    own = literal(business.currency)
    is_foreign = f"from incoming where reason is null and currency <> {own}"
    if not any(column.name == "currency" for column in contract.columns):
        return
    if scratch.execute(f"select 1 {is_foreign} limit 1").fetchone() is None:
        return
    _list_rates(scratch, business)
    # Of the day in UTC: a rate does not depend on the hour.
    dated = f"code = upper(currency) and valid_from <= {contract.happened_at}"
    scratch.execute(
        "create table foreign_lines as select file_number as foreign_file, source_line as foreign_line, "
        f"(select max_by(rate, valid_from) from rates where {dated}) as rate {is_foreign}"
    )
    found = "from foreign_lines where file_number = foreign_file and source_line = foreign_line"
    scratch.execute(
        f"update incoming set currency = {own}, unit_price = unit_price * rate, "
        f"discount_amount = discount_amount * rate {found} and rate is not null"
    )
    missing = literal(f"', not {business.currency}: exchange_rates in the YAML has no rate of it for ")
    scratch.execute(
        f"update incoming set reason = {literal(f'currency is {chr(39)}')} || currency || {missing} || "
        f"{contract.happened_at}::date {found} and rate is null"
    )


def _list_rates(scratch: duckdb.DuckDBPyConnection, business: BusinessConfig) -> None:
    # The shop's own currency may be spelt in lower case.
    own = {business.currency: {date.min: 1.0}}
    scratch.execute("create table rates (code varchar, valid_from date, rate double)")
    scratch.executemany(
        "insert into rates values (?, ?, ?)",
        [
            (code, day, rate)
            for code, dated in {**business.exchange_rates, **own}.items()
            for day, rate in dated.items()
        ],
    )


def reject_implausible(
    scratch: duckdb.DuckDBPyConnection, contract: Contract, business: BusinessConfig
) -> None:
    """Reject the rows in ``incoming`` with an amount or a date beyond reason.

    Args:
        scratch: The scratch database.
        contract: The contract of the raw table.
        business: May give the bounds.
    """
    for bound in _bounds(scratch, contract, business, rows="from incoming where reason is null"):
        scratch.execute(
            f"update incoming set reason = {bound.reason} where reason is null and {bound.broken_when}"
        )


def moves_bounds(
    connection: duckdb.DuckDBPyConnection, contract: Contract, business: BusinessConfig, *, scratch: str
) -> bool:
    """Whether loading all files could reject other rows than loading the new ones alone.

    That is when a row is beyond a bound that follows the data of all files, or was before.

    Args:
        connection: The warehouse.
        contract: The contract of the raw table.
        business: May give the bounds.
        scratch: Name of the scratch database that holds the new files' rows.
    """
    rejected = connection.execute(
        f"select 1 from (select reason from {scratch}.incoming union all "
        f"select reason from {REJECTS.sql} where table_name = {literal(contract.table)}) "
        f"where contains(reason, {literal(FOLLOWS_DATA)}) limit 1"
    )
    if rejected.fetchone() is not None:
        return True
    names = ", ".join(column.name for column in contract.columns)
    rows = (
        f"from (select {names} from {raw(contract.table).sql} union all "
        f"select {names} from {scratch}.incoming where reason is null) where true"
    )
    bounds = list(_bounds(connection, contract, business, rows=rows))
    broken = " or ".join(bound.broken_when for bound in bounds) or "false"
    return connection.execute(f"select 1 {rows} and ({broken}) limit 1").fetchone() is not None


def _bounds(
    connection: duckdb.DuckDBPyConnection, contract: Contract, business: BusinessConfig, *, rows: str
) -> Iterator[_Bound]:
    """The bounds of a table, from the YAML or else from ``rows``, a from and a where clause."""
    for key, measure in contract.measures:
        given: float | None = getattr(business.bounds, key)
        ordinary = None if given else _ordinary(connection, f"abs({measure})", rows=rows, beyond="desc")
        bound = given or min(LARGEST, TIMES_ORDINARY * float(ordinary or 0) or LARGEST)
        source = "" if given else f", {TIMES_ORDINARY:,} times what {FOLLOWS_DATA} stay within"
        yield _bound(measure, f"abs({measure}) > {bound!r}", f"beyond '{bound:.2f}'{source}", key=key)
    if contract.happened_at is None:
        return
    day = f"{contract.happened_at}::date"
    for key, sign, beyond, days, direction in (
        ("latest_day", ">", "desc", DAYS_AFTER, "after"),
        ("earliest_day", "<", "asc", -DAYS_BEFORE, "before"),
    ):
        limit: date | str | None = getattr(business.bounds, key)
        if limit is not None:
            yield _bound(day, f"{day} {sign} date '{limit}'", f"{direction} '{limit}'", key=key)
            continue
        limit = _ordinary(connection, day, rows=rows, beyond=beyond)
        if limit is not None:
            why = f"more than {abs(days):,} days {direction} '{limit}', which {FOLLOWS_DATA} do not pass"
            yield _bound(day, f"{day} {sign} date '{limit}' + {days}", why, key=key)


def _bound(value: str, broken_when: str, why: str, *, key: str) -> _Bound:
    found = literal(f"{value.removesuffix('::date')} is '")
    remedy = literal(f"', {why}: if it is right, set bounds.{key} in the YAML")
    return _Bound(broken_when, f"{found} || {value} || {remedy}")


def _ordinary(connection: duckdb.DuckDBPyConnection, value: str, *, rows: str, beyond: str) -> str | None:
    """Value that all of ``rows`` but one in 1,000 stay within, as text; ``None`` when they are too few."""
    known = f"{rows} and {value} is not null"
    found = connection.execute(
        f"select ({value})::varchar {known} order by {value} {beyond} limit 1 "
        f"offset (select greatest({FEWEST_BEYOND}, count(*) // {ROWS_BEYOND}) {known})"
    ).fetchone()
    return str(found[0]) if found else None


def record_guests(connection: duckdb.DuckDBPyConnection, contract: Contract, *, scratch: str) -> None:
    """Append the guests in the scratch database to ``raw.guest_rows``.

    Args:
        connection: The warehouse.
        contract: The contract of the raw table.
        scratch: Name of the scratch database.
    """
    connection.execute(
        f"insert into {GUEST_ROWS.sql} select {literal(contract.table)}, source, source_file, guest_id, "
        f"is_declared, row_count from {scratch}.guests inner join {scratch}.delivered using (file_number) "
        "order by file_number, guest_id"
    )
