"""Incremental pull of a database table, from the last cursor onwards."""

import dlt
import sqlalchemy as sa
from dlt.extract import DltResource
from dlt.sources.sql_database import sql_table
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from assets.ingest.config.business import BusinessInvalid
from assets.ingest.config.source.pull import Database
from assets.ingest.pulling.cursor import SECONDS_A_DAY, SourceUnreachable

ROWS_AT_ONCE = 50_000
SECONDS_TO_CONNECT = 10
# Types that Parquet keeps unchanged; the database casts all others to text or float.
_PORTABLE_TYPES = (sa.Boolean, sa.Integer, sa.Float, sa.DateTime, sa.Date, sa.String)
_CURSOR_TYPES = (sa.DateTime, sa.Date, sa.Integer, sa.Numeric, sa.Float)
_LARGEST_PRECISION = 38
# libpq gives no error code when a login fails, so its messages are matched, and those of MySQL beside them.
_LOGIN_REFUSED = (
    "authentication failed", "does not exist", "no password supplied", "no pg_hba.conf entry",
    "Access denied", "Unknown database",
)  # fmt: skip
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}


def engine_for(url: str, *, variable: str) -> sa.Engine:
    """Create an engine for ``url``, which environment variable ``variable`` holds.

    Raises:
        BusinessInvalid: when ``url`` is malformed or its driver is not installed; the message never shows it.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise BusinessInvalid(
            f"{variable} holds no database URL such as postgresql://user:password@host:5432/shop, "
            "mysql://user:password@host:3306/shop or sqlite:////folder/shop.db"
        ) from None
    if "@" in (parsed.host or ""):
        raise BusinessInvalid(
            f"{variable} holds a second @: write %40 for @, %2F for / and %3A for : in the password"
        )
    is_server = parsed.drivername in _DRIVERS
    if is_server:
        parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
    connect_args = {"connect_timeout": SECONDS_TO_CONNECT} if is_server else {}
    try:
        return sa.create_engine(
            parsed, connect_args=connect_args, hide_parameters=True, poolclass=sa.NullPool
        )
    except (NoSuchModuleError, ImportError):
        raise BusinessInvalid(f"{variable}: no driver for {parsed.drivername} is installed") from None


def table_rows(engine: sa.Engine, database: Database) -> DltResource:
    """The rows of ``database.table`` from the last cursor less the overlap.

    Rows without a cursor are pulled every time.

    Raises:
        BusinessInvalid: when the table has no such cursor or primary key.
        SQLAlchemyError: when the database cannot be queried.
    """
    metadata = sa.MetaData(schema=database.schema_name)
    table = sa.Table(database.table, metadata, autoload_with=engine, resolve_fks=False)
    _refuse_unknown_columns(table, database)
    kind = table.columns[database.cursor].type
    days = -(-database.overlap // SECONDS_A_DAY)
    newest: dlt.sources.incremental[object] = dlt.sources.incremental(
        database.cursor,
        # Rows pulled again are compared by content later: a row may change twice at one cursor.
        primary_key=(),
        on_cursor_value_missing="include",
        lag=days if isinstance(kind, sa.Date) else database.overlap,
    )
    return sql_table(
        credentials=engine,
        table=database.table,
        schema=database.schema_name,
        metadata=metadata,
        incremental=newest,
        chunk_size=ROWS_AT_ONCE,
        backend="pyarrow",
        reflection_level="full_with_precision",
        table_adapter_callback=_with_portable_types,  # type: ignore[arg-type]
        type_adapter_callback=_dlt_type,
    )


def _refuse_unknown_columns(table: sa.Table, database: Database) -> None:
    for name in (database.cursor, *database.primary_key):
        if name not in table.columns:
            raise BusinessInvalid(
                f"table {table.fullname} has no column {name}; it has {', '.join(table.columns.keys())}"
            )
    kind = table.columns[database.cursor].type
    if not isinstance(kind, _CURSOR_TYPES):
        raise BusinessInvalid(f"cursor {database.cursor} is {kind}: name a column with times or numbers")


def database_error(error: SQLAlchemyError, *, password: str | None) -> Exception:
    """Convert ``error`` to ``SourceUnreachable`` (retry) or ``BusinessInvalid``, without the password."""
    if isinstance(error, NoSuchTableError):
        return BusinessInvalid(f"there is no table {error}, or this user may not read it")
    reason = str(error.orig if isinstance(error, DBAPIError) else error)
    text = " ".join(reason.split())
    text = text.replace(password, "***") if password else text
    is_passing = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    if is_passing and not any(refusal in text for refusal in _LOGIN_REFUSED):
        return SourceUnreachable(f"the database cannot be read now: {text}")
    return BusinessInvalid(f"the database refuses: {text}")


def password_in(url: str) -> str | None:
    """The password in ``url``; ``None`` if there is none."""
    try:
        return sa.make_url(url).password
    except (ArgumentError, ValueError):
        return None


def _with_portable_types(table: sa.Table) -> sa.Subquery:
    """Select every column of ``table`` in a type that Parquet keeps.

    Without the casts a numeric without precision fails at its tenth decimal, and any interval fails.
    """
    return sa.select(*map(_portable_column, table.columns)).subquery(table.name)


def _dlt_type(
    kind: "sa.types.TypeEngine[object]",
) -> "sa.types.TypeEngine[object] | sa.types.TypeEngine[float]":
    """``kind`` for dlt, which expects Float to be a Numeric: not so since SQLAlchemy 2.1."""
    return sa.Numeric(asdecimal=False) if isinstance(kind, sa.Float) else kind


def _portable_column(
    column: "sa.Column[object]",
) -> "sa.ColumnElement[object] | sa.Label[float] | sa.Label[str]":
    kind = column.type
    if isinstance(kind, _PORTABLE_TYPES):
        return column
    if isinstance(kind, sa.Numeric):
        is_exact = 0 < (kind.precision or 0) <= _LARGEST_PRECISION
        return column if is_exact else sa.cast(column, sa.Float(53)).label(column.name)
    return sa.cast(column, sa.Text).label(column.name)
