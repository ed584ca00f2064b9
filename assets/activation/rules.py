"""Audiences by rules of the business's YAML over the columns of ``published.customers_latest``."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from assets.activation.audience import NAME, select_audience
from assets.activation.tables import AUDIENCE_TYPES
from assets.connections import open_duckdb
from assets.ingest.config.audiences import AudienceRule
from assets.ingest.config.business import BusinessInvalid
from assets.ingest.loading.mapping import row_columns
from assets.keys import Key
from assets.lifecycle.store.schemas import typed
from assets.ports import Warehouse

CUSTOMERS = Key("published", "customers_latest")
NUMBERS = frozenset({"DOUBLE", "FLOAT", "INTEGER", "BIGINT", "HUGEINT", "SMALLINT", "TINYINT"})


def refuse_unusable_rules(rules: Sequence[AudienceRule], columns: Mapping[str, str], *, file: Path) -> None:
    """Refuse rules that are not SQL over one row of the published columns, before any data is read.

    Args:
        rules: The rules of the business.
        columns: SQL type of each column of ``published.customers_latest``.
        file: The YAML, named in the refusal.

    Raises:
        BusinessInvalid: Names the audience, the key and the remedy.
    """
    names = [NAME, *(rule.name for rule in rules)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise BusinessInvalid(f"{file}: two audiences are called {twice!r}: give each its own name")
    with open_duckdb(reads_files=False) as connection:
        connection.execute(
            f"create table customers ({', '.join(' '.join(each) for each in columns.items())})"
        )
        for rule in rules:
            for key, sql in (("where", rule.where), ("rank_by", rule.rank_by)):
                _refuse_unusable(
                    connection, sql, place=f"{file}: audience {rule.name}: {key} is {sql}", key=key
                )


def _refuse_unusable(connection: duckdb.DuckDBPyConnection, sql: str, *, place: str, key: str) -> None:
    known = [str(name) for (name, *_) in connection.execute("describe customers").fetchall()]
    for name in row_columns(connection, sql, place):
        if name.lower() not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "docs/published-tables.md lists the columns"
            raise BusinessInvalid(f"{place}: customers_latest has no column {name!r}: {hint}")
    try:
        found = connection.execute(f"describe select ({sql}\n) from customers").fetchall()
    except duckdb.Error as error:
        raise BusinessInvalid(f"{place}: {str(error).splitlines()[0]}") from error
    kind = str(found[0][1])
    if key == "where" and kind != "BOOLEAN":
        raise BusinessInvalid(f"{place}: that is {kind}, not a condition: compare it, as in churn_decile = 1")
    if key == "rank_by" and kind not in NUMBERS and not kind.startswith("DECIMAL"):
        raise BusinessInvalid(f"{place}: that is {kind}, not a number to rank by")


def build_ruled_audiences(
    warehouse: Warehouse, rules: Sequence[AudienceRule], *, as_of: date
) -> pd.DataFrame:
    """Build the rows of ``ml.audiences`` of one as-of date for the rules of the YAML.

    Args:
        warehouse: Holds ``published.customers_latest``.
        rules: Rules that :func:`refuse_unusable_rules` has accepted.
        as_of: The as-of date; customers whose newest row is older are no candidates.

    Returns:
        The columns of ``AUDIENCE_TYPES``; no rows when the wide table is not there.
    """
    parts = list(_audiences(warehouse, rules, as_of=as_of)) if warehouse.exists(CUSTOMERS) else []
    return typed(pd.concat(parts, ignore_index=True) if parts else [], AUDIENCE_TYPES)


def _audiences(warehouse: Warehouse, rules: Sequence[AudienceRule], *, as_of: date) -> Iterator[pd.DataFrame]:
    for rule in rules:
        candidates = warehouse.read(
            # Line ends keep a comment at the end of a rule from hiding what follows.
            f"select customer_id, cast(({rule.rank_by}\n) as double) as value, consent_ads, is_holdout "
            f"from {CUSTOMERS.sql} where as_of_date = $as_of and ({rule.where}\n) order by customer_id",
            {"as_of": as_of},
        )
        rankable = candidates.loc[candidates["value"].notna()].reset_index(drop=True)
        rows = select_audience(rankable, share=1.0, most=rule.most)
        yield typed(rows.assign(audience=rule.name, as_of_date=pd.Timestamp(as_of)), AUDIENCE_TYPES)
