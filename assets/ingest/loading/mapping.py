"""What a mapping may say: SQL over the columns of its own row, and nothing else."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import duckdb

from assets.ingest.config.business import BusinessInvalid, Expression, SourceConfig

# DuckDB's own parser tells what it will run: a second parser could be talked into another reading.
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
# Macros are written in SQL, and some read tables; these work on their arguments only.
_ALLOWED_MACROS = frozenset(
    {"array_append", "array_to_string", "date_add", "days_in_month", "fdiv", "fmod", "if", "json",
     "list_append", "list_prepend", "list_reverse", "nullif", "split_part"}
)  # fmt: skip
# Takes today's date for its second argument when it has one only, and is called consistent all the same.
_CLOCK_FUNCTIONS = frozenset({"age"})

_Node = Mapping[str, object]


def all_expressions(
    connection: duckdb.DuckDBPyConnection, sources: Iterable[SourceConfig]
) -> dict[str, dict[str, Expression]]:
    """The mapping of each source, by its name: one expression per raw column.

    Raises:
        BusinessInvalid: when an expression is not SQL, or does more than work on the columns of its row:
            reads a table, a file or a setting, looks at other rows, asks for the time or for chance.
    """
    allowed = _row_functions()
    return {
        source.name: {
            name: _expression(connection, source, name=name, allowed=allowed) for name in source.columns
        }
        for source in sources
    }


def _expression(
    connection: duckdb.DuckDBPyConnection, source: SourceConfig, *, name: str, allowed: frozenset[str]
) -> Expression:
    sql = source.columns[name]
    mapped = f"source {source.name}: column {name} is mapped to {sql}"
    found = connection.execute("select json_serialize_sql(?::varchar)", [f"select ({sql}\n)"]).fetchone()
    parsed = json.loads(found[0]) if found else {}
    if parsed.get("error"):
        raise BusinessInvalid(f"{mapped}: that is not one SQL expression: {parsed['error_message']}")
    nodes = list(_nodes(parsed))
    select = parsed["statements"][0]["node"]
    rejected = _refusal(nodes, allowed) if _is_single_expression(select) else "more than one expression"
    if rejected or len(parsed["statements"]) > 1:
        raise BusinessInvalid(
            f"{mapped}: {rejected} is not allowed there; a mapping works on the columns of its own row"
        )
    columns = tuple(dict.fromkeys(_columns(select["select_list"][0], frozenset())))
    return Expression(sql, columns, select["select_list"][0]["class"] == "COLUMN_REF" and len(columns) == 1)


def _is_single_expression(select: Mapping[str, object]) -> bool:
    """Whether a parsed ``select`` is one expression without a clause that an extra bracket let in."""
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
    """Functions whose result follows from their arguments alone, without those that a person defined."""
    # Asked once per process and beside the warehouse: what DuckDB can do does not change.
    with duckdb.connect() as separate:
        rows = separate.execute(
            "select function_name from duckdb_functions() where internal group by 1 "
            "having bool_or(function_type = 'scalar') and "
            "bool_and(function_type = 'table' or function_type = 'scalar' and stability = 'CONSISTENT')"
        ).fetchall()
    return frozenset(str(name) for (name,) in rows) - _CLOCK_FUNCTIONS | _ALLOWED_MACROS


def _refusal(nodes: list[_Node], allowed: frozenset[str]) -> str | None:
    """What in ``nodes`` a mapping may not say; ``None`` when all is well."""
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
    """The columns that ``tree`` names, without ``own``, the parameters of a lambda."""
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
