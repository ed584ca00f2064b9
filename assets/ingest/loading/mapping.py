"""Validation of mappings: SQL expressions over the columns of one row, and nothing else."""

import copy
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import duckdb

from assets.connections import open_duckdb
from assets.ingest.config.business import BusinessInvalid, Expression, SourceConfig
from assets.ingest.loading.mapping_functions import DECIMAL_COMMA, FUNCTIONS, NAIVE

# The check uses DuckDB's own parser: another parser could read an expression differently from DuckDB.
_ALLOWED_CLASSES = frozenset(
    {"COLUMN_REF", "CONSTANT", "FUNCTION", "COMPARISON", "CONJUNCTION", "OPERATOR", "CAST", "TYPE", "CASE",
     "BETWEEN", "COLLATE", "LAMBDA"}
)  # fmt: skip
_DESCRIPTIONS = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window over other rows",
    "STAR": "*",
    "PARAMETER": "a parameter",
    "POSITIONAL_REFERENCE": "a column by its number",
}
# Macros are SQL, and some read tables; these depend on their arguments only.
_ALLOWED_MACROS = frozenset(
    {"array_append", "array_to_string", "date_add", "days_in_month", "fdiv", "fmod", "if", "json",
     "list_append", "list_prepend", "list_reverse", "nullif", "split_part"}
)  # fmt: skip
# With one argument it uses today's date as the second, although DuckDB marks it as consistent.
_CLOCK_FUNCTIONS = frozenset({"age"})

LONGEST_SHOWN = 200
# Key of the YAML, and of the condition among the expressions of a source.
WHERE = "where"
_Node = Mapping[str, Any]


def all_expressions(
    connection: duckdb.DuckDBPyConnection, sources: Iterable[SourceConfig]
) -> dict[str, dict[str, Expression]]:
    """Parse and validate the mapping of each source: by source name, one expression per raw column.

    The condition ``where`` of a source is among them under its key, which no raw column has.

    Raises:
        BusinessInvalid: when an expression is not SQL, or uses anything but the columns of its row: a table,
            a file, a setting, other rows, the time or a random number.
    """
    allowed = _row_functions()
    return {
        source.name: {
            name: _expression(connection, sql, f"source {source.name}: {what} {sql}", allowed)
            for name, what, sql in _declared(source)
        }
        for source in sources
    }


def _declared(source: SourceConfig) -> Iterator[tuple[str, str, str]]:
    """Key, words and SQL of each expression of ``source``."""
    for name, sql in source.columns.items():
        yield name, f"column {name} is mapped to", sql
    if source.where is not None:
        yield WHERE, "where is", source.where


def _expression(
    connection: duckdb.DuckDBPyConnection, sql: str, mapped: str, allowed: frozenset[str]
) -> Expression:
    parsed = _parsed(connection, sql, mapped)
    nodes = list(_nodes(parsed))
    select = parsed["statements"][0]["node"]
    rejected = _refusal(nodes, allowed) if _is_single_expression(select) else "more than one expression"
    if rejected or len(parsed["statements"]) > 1:
        raise BusinessInvalid(
            f"{mapped}: {rejected} is not allowed there; a mapping works on the columns of its own row"
        )
    _refuse_naive_times(mapped, nodes)
    columns = tuple(dict.fromkeys(_columns(select["select_list"][0], frozenset())))
    called = {str(node["function_name"]).lower(): node for node in nodes if node["class"] == "FUNCTION"}
    commas = (node for node in nodes if str(node.get("function_name")).lower() == DECIMAL_COMMA)
    return Expression(
        sql,
        columns,
        select["select_list"][0]["class"] == "COLUMN_REF" and len(columns) == 1,
        frozenset(called),
        tuple(_argument_sql(connection, parsed, node) for node in commas),
    )


def row_columns(connection: duckdb.DuckDBPyConnection, sql: str, place: str) -> tuple[str, ...]:
    """Columns of one SQL expression over the columns of one row, such as the rule of an audience.

    Args:
        connection: Connection whose parser reads it.
        sql: The expression.
        place: Where it is written, for the refusal.

    Raises:
        BusinessInvalid: when it is not SQL, or uses anything but the columns of its row.
    """
    parsed = _parsed(connection, sql, place)
    select = parsed["statements"][0]["node"]
    rejected = (
        _refusal(list(_nodes(parsed)), _row_functions())
        if _is_single_expression(select) and len(parsed["statements"]) == 1
        else "more than one expression"
    )
    if rejected:
        raise BusinessInvalid(f"{place}: {rejected} is not allowed there; it works on the columns of one row")
    return tuple(dict.fromkeys(_columns(select["select_list"][0], frozenset())))


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str, mapped: str) -> dict[str, Any]:
    """DuckDB's tree of ``sql``; every branch can be visited."""
    found = connection.execute("select json_serialize_sql(?::varchar)", [f"select ({sql}\n)"]).fetchone()
    try:
        parsed: dict[str, Any] = json.loads(found[0]) if found else {}
        # A tree that can be visited here can be visited by the caller.
        deque(_nodes(parsed), maxlen=0)
        is_too_deep = "expression depth" in parsed.get("error_message", "")
    except RecursionError:
        is_too_deep = True
    if is_too_deep:
        raise BusinessInvalid(f"{mapped[:LONGEST_SHOWN]}: that is nested too deeply: write it flat")
    if parsed.get("error"):
        raise BusinessInvalid(
            f"{mapped}: that is not one SQL expression: {parsed['error_message']}{_quoting(connection, sql)}"
        )
    return parsed


def _quoting(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Say how to quote the words in ``sql`` that SQL reserves, or a name with a blank."""
    reserved = connection.execute(
        "select keyword_name from duckdb_keywords() where keyword_category in ('reserved', 'type_function')"
    ).fetchall()
    words = [word for word in re.findall(r"\w+", sql) if (word.lower(),) in reserved]
    if re.fullmatch(r"[\w -]+", sql):
        words = [sql]
    shown = " or ".join(f"'\"{word}\"'" for word in dict.fromkeys(words))
    return f"; quote the name of a column that is a word of SQL or has a blank: {shown}" if words else ""


def _refuse_naive_times(mapped: str, nodes: Sequence[_Node]) -> None:
    for node in nodes:
        name, arguments = str(node.get("function_name")).lower(), node.get("arguments")
        if name in NAIVE and isinstance(arguments, list) and len(arguments) == 1:
            raise BusinessInvalid(
                f"{mapped}: {name} gives a time without a zone, which is read as local; map {NAIVE[name]}, "
                "or utc_from_seconds, utc_from_milliseconds or utc_from_microseconds as the unit is"
            )


def _argument_sql(connection: duckdb.DuckDBPyConnection, parsed: Mapping[str, Any], node: _Node) -> str:
    """SQL of the only argument of function ``node``."""
    select = copy.deepcopy(parsed)
    select["statements"][0]["node"]["select_list"] = [node["arguments"][0]["expression"]]
    found = connection.execute("select json_deserialize_sql(?::json)", [json.dumps(select)]).fetchone()
    return str(found[0]).removeprefix("SELECT ") if found else ""


def _is_single_expression(select: Mapping[str, object]) -> bool:
    """Whether a parsed ``select`` is one expression, without clauses injected by a closing bracket."""
    listed, table = select.get("select_list"), select.get("from_table")
    clauses = ("where_clause", "group_expressions", "having", "qualify", "sample", "modifiers")
    return (
        isinstance(listed, list)
        and len(listed) == 1
        and isinstance(table, Mapping)
        and table["type"] == "EMPTY"
        and not any(select.get(clause) for clause in clauses)
    )


@cache
def _row_functions() -> frozenset[str]:
    """Built-in functions whose result depends on their arguments only."""
    # Cached per process, and read outside the warehouse: DuckDB's built-in functions do not change.
    with open_duckdb(reads_files=False) as separate:
        rows = separate.execute(
            "select function_name from duckdb_functions() where internal group by 1 "
            "having bool_or(function_type = 'scalar') and "
            "bool_and(function_type = 'table' or function_type = 'scalar' and stability = 'CONSISTENT')"
        ).fetchall()
    return frozenset(str(name) for (name,) in rows) - _CLOCK_FUNCTIONS | _ALLOWED_MACROS | FUNCTIONS.keys()


def _refusal(nodes: list[_Node], allowed: frozenset[str]) -> str | None:
    """Name the first node that is not allowed; ``None`` if there is none."""
    for node in nodes:
        kind = str(node["class"])
        if kind not in _ALLOWED_CLASSES:
            return _DESCRIPTIONS.get(kind, kind.lower().replace("_", " "))
        if kind == "FUNCTION" and (
            str(node["function_name"]).lower() not in allowed or node.get("schema") or node.get("catalog")
        ):
            return f"function {node['function_name']}"
    return None


def _nodes(tree: object) -> Iterator[_Node]:
    if isinstance(tree, Mapping):
        if "class" in tree:
            yield tree
        for branch in tree.values():
            yield from _nodes(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)


def _columns(tree: object, own: frozenset[str]) -> Iterator[str]:
    """Column names in ``tree``, except ``own``, the parameters of a lambda."""
    if isinstance(tree, list):
        for branch in tree:
            yield from _columns(branch, own)
    if not isinstance(tree, Mapping):
        return
    if tree.get("class") == "COLUMN_REF":
        yield from (name for name in tree["column_names"][:1] if name.lower() not in own)
    if tree.get("class") == "LAMBDA":
        own = own | {name.lower() for name in _columns(tree["lhs"], frozenset())}
    for branch in tree.values():
        yield from _columns(branch, own)
