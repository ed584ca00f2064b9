"""A tiny shop in temporary warehouses, built by the real dbt project; built once per session."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from assets.ingest.config.contract import ORIGIN
from assets.ingest.config.contracts import CONTRACTS
from assets.lifecycle.store.schemas import COHORT_CUTOFF_TYPES, COUNT, CUTOFF_TYPES, DATE, NUMBER, TEXT
from tests.warehouse.shop_facts import Facts, shop_facts
from tests.warehouse.shop_facts import known_by as facts_known_by

PROJECT = Path(__file__).parents[2] / "dbt_project"
GUARD = "{{ fact }}.{{ known_at }} < {{ spine }}.as_of_at"

AS_OF_FROM, AS_OF_TO, TODAY = "2024-03-04", "2024-05-20", "2024-05-26"
SCORED = ("purchase_propensity", "churn", "lifetime_value", "segments")
SQL_TYPES = {TEXT: "varchar", NUMBER: "double", COUNT: "bigint", str(DATE): "date"}
FEATURES, LABELS = "+path:models/features", "+lbl_customer__purchase_30d"
# What every eligible row has beside its probability.
WHATEVER = (
    "0.2 as probability_raw, 0.0 as prob_lo, 1.0 as prob_hi, 50 as score, 50 as percentile, 5 as decile,"
    " 'all' as percentile_population, 'low' as tier, 'rule' as tier_rule, 0.2 as base_rate, 1.0 as lift"
)
# Bob is asked about, Ann was already gone.
CHURN_ROWS = f"""
    with rows as (
        select
            date '2024-05-20' as as_of_date, timestamp '2024-05-20 04:00:00' as scored_at, 'run' as run_id,
            'churn' as model_name, 'v1' as model_version, 'churn' as target, 60 as horizon_days,
            'ok' as status, 'Good' as quality_grade, false as is_holdout, 'in words' as churn_definition,
            65 as days_since_last_order
    )
    select 'bob' as customer_id, true as is_eligible, false as is_already_churned, 0.8 as probability,
        {WHATEVER}, null as ineligible_reason, rows.* from rows
    union all by name
    select 'ann' as customer_id, false as is_eligible, true as is_already_churned,
        'already_churned' as ineligible_reason, rows.* from rows
"""
# The earlier world holds only facts known before this instant, midnight of an as-of date in UTC.
CUT = datetime.fromisoformat("2024-04-29")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One raw order line; ``known_at`` is ``ordered_at`` when it is not given."""

    order_id: str
    customer_id: str | None
    ordered_at: datetime
    product_id: str
    quantity: float
    unit_price: float
    known_at: datetime | None = None
    is_service: bool = False
    country: str | None = "DE"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A warehouse file with raw tables, and what dbt made of them."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    def read(self, sql: str) -> pd.DataFrame:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).df()

    def dbt(
        self,
        *arguments: str,
        manifest: Manifest | None = None,
        as_of_from: str = AS_OF_FROM,
        asked: dict[str, str] | None = None,
    ) -> Manifest:
        """Run one ``dbt`` command on this warehouse; everything it writes lies below ``folder``.

        In this process and with a manifest at hand it takes a second or two, most of a dbt process is
        start and parse.
        """
        variables = {"time_zone": "UTC", "as_of_from": as_of_from, "as_of_to": AS_OF_TO, "today": TODAY}
        variables |= asked or {}
        places = {
            "WAREHOUSE": self.warehouse,
            "DBT_PROJECT_DIR": PROJECT,
            "DBT_PROFILES_DIR": PROJECT,
            "DBT_TARGET_PATH": self.folder / "target",
            "DBT_LOG_PATH": self.folder / "logs",
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, place in places.items():
                patch.setenv(name, str(place))
            given = manifest.deepcopy() if manifest else None
            outcome = dbtRunner(manifest=given).invoke([*arguments, "--vars", json.dumps(variables)])
        # dbt-duckdb keeps the file open in this process until its connections are closed.
        DuckDBConnectionManager.close_all_connections()
        if not outcome.success:
            raise AssertionError(failures(outcome.result) or outcome.exception)
        return outcome.result if isinstance(outcome.result, Manifest) else given or Manifest()


def failures(result: object) -> list[str]:
    """Failures of a dbt run, one line each."""
    return [
        f"{run.node.name}: {run.message}"
        for run in getattr(result, "results", [])
        if run.status not in {"success", "pass", "skipped"}
    ]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def handmade_lines() -> list[Line]:
    """Four customers whose numbers ``test_features.py`` and ``test_time_travel.py`` work out by hand."""
    line = Line
    return [
        # Ann: tea in March; tea and a cup a fortnight later, with postage; one cup comes back.
        line(order_id="A1", customer_id="ann", ordered_at=at("2024-03-02 10:00"), product_id="tea",
             quantity=2, unit_price=10),
        line(order_id="A2", customer_id="ann", ordered_at=at("2024-03-16 10:00"), product_id="tea",
             quantity=1, unit_price=10),
        line(order_id="A2", customer_id="ann", ordered_at=at("2024-03-16 10:00"), product_id="cup",
             quantity=4, unit_price=5),
        line(order_id="A2", customer_id="ann", ordered_at=at("2024-03-16 10:00"), product_id="post",
             quantity=1, unit_price=3, is_service=True),
        line(order_id="A3", customer_id="ann", ordered_at=at("2024-03-20 10:00"), product_id="cup",
             quantity=-1, unit_price=5),
        # Bob: a pot; then a typo of 80,995 pots on a Sunday, cancelled on Monday at eight.
        line(order_id="B1", customer_id="bob", ordered_at=at("2024-03-04 09:00"), product_id="pot",
             quantity=1, unit_price=30),
        line(order_id="B2", customer_id="bob", ordered_at=at("2024-03-24 20:00"), product_id="pot",
             quantity=80995, unit_price=30),
        line(order_id="B3", customer_id="bob", ordered_at=at("2024-03-25 08:00"), product_id="pot",
             quantity=-80995, unit_price=30),
        # Cat: one order that the shop only heard of nine days later.
        line(order_id="C1", customer_id="cat", ordered_at=at("2024-03-08 12:00"), product_id="tea",
             quantity=1, unit_price=10, known_at=at("2024-03-17 12:00"), country="FR"),
        # Dan: his first order has no country, the second one names it when the earlier world has ended.
        line(order_id="D1", customer_id="dan", ordered_at=at("2024-04-10 12:00"), product_id="cup",
             quantity=1, unit_price=5, country=None),
        line(order_id="D2", customer_id="dan", ordered_at=at("2024-05-03 12:00"), product_id="cup",
             quantity=1, unit_price=5, country="FR"),
        # It was quoted before the earlier world ended; a quote that came to nothing is not delivered.
        line(order_id="D2", customer_id="dan", ordered_at=at("2024-04-20 12:00"), product_id="quote",
             quantity=1, unit_price=1, is_service=True, country="FR"),
        # Nobody: a sale over the counter.
        line(order_id="N1", customer_id=None, ordered_at=at("2024-03-08 12:00"), product_id="tea",
             quantity=1, unit_price=10),
    ]  # fmt: skip


def random_shop(rng: np.random.Generator, *, orders: int = 250) -> list[Line]:
    """Forty customers; one fact in five is learned up to 40 days late, one order in five comes back."""
    lines: list[Line] = []
    for number in range(orders):
        ordered_at = at("2024-01-02") + timedelta(minutes=int(rng.integers(0, 140 * 24 * 60)))
        late = timedelta(days=float(rng.uniform(0, 40))) if rng.random() < 0.2 else timedelta()
        basket = rng.choice(["tea", "cup", "pot", "jar"], size=int(rng.integers(1, 4)), replace=False)
        customer, country = f"r{rng.integers(0, 40)}", str(rng.choice(["DE", "FR"]))
        comes_back = timedelta(hours=float(rng.choice([2, 300]))) if rng.random() < 0.2 else None
        for product in basket:
            # Now and then a line of an order is learned later than the rest of it.
            later = late + timedelta(days=9) if rng.random() < 0.1 else late
            # One line in seven names no customer: it is of the one whom the others of the order name.
            nameless = len(basket) > 1 and len(lines) % 7 == 0
            bought = Line(
                order_id=f"R{number}", customer_id=None if nameless else customer, ordered_at=ordered_at,
                product_id=str(product), quantity=float(rng.integers(1, 4)), unit_price=10,
                known_at=ordered_at + later, country=country,
            )  # fmt: skip
            lines.append(bought)
            if comes_back is not None:
                lines.append(taken_back(bought, comes_back))
    return lines


def taken_back(bought: Line, after: timedelta) -> Line:
    ordered_at = bought.ordered_at + after
    return Line(
        order_id=f"C{bought.order_id}", customer_id=bought.customer_id, ordered_at=ordered_at,
        product_id=bought.product_id, quantity=-bought.quantity, unit_price=bought.unit_price,
        known_at=max(ordered_at, bought.known_at or ordered_at), country=bought.country,
    )  # fmt: skip


def create(folder: Path, lines: Sequence[Line], facts: Facts) -> World:
    world = World(folder=folder)
    folder.mkdir()
    with duckdb.connect(str(world.warehouse)) as connection:
        for schema, tables in (("raw", raw_tables()), ("ml", ml_tables())):
            connection.execute(f"create schema {schema}")
            for table, columns in tables.items():
                connection.execute(f"create table {schema}.{table} ({columns})")
        load_sources(connection, lines)
        land_facts(connection, facts)
    return world


def land_facts(connection: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    """Make ``facts`` what their raw tables hold."""
    for table, frame in facts.items():
        connection.register("delivered", frame)
        connection.execute(f"delete from raw.{table}")
        connection.execute(f"insert into raw.{table} by name select * from delivered")


def load_sources(connection: duckdb.DuckDBPyConnection, lines: Sequence[Line]) -> None:
    """Append ``lines`` to raw.order_lines, numbered on from those that are there."""
    counted = connection.execute("select count(*) from raw.order_lines").fetchone()
    first = counted[0] if counted else 0
    connection.executemany(
        "insert into raw.order_lines by name select ? as order_id, ? as customer_id, ? as ordered_at,"
        " ? as product_id, ? as quantity, ? as unit_price, ? as known_at, ? as is_service, ? as country,"
        " 'till' as source, 'till.csv' as source_file, ? as source_line",
        [
            (
                line.order_id, line.customer_id, line.ordered_at, line.product_id, line.quantity,
                line.unit_price, line.known_at, line.is_service, line.country, first + number,
            )
            for number, line in enumerate(lines)
        ],
    )  # fmt: skip


def raw_tables() -> dict[str, str]:
    """Column lists of the raw tables, as landing makes them."""
    return {
        table: ", ".join(
            f"{name} {sql_type}"
            for name, sql_type in [*((column.name, column.type) for column in contract.columns), *ORIGIN]
        )
        for table, contract in CONTRACTS.items()
    }


def ml_tables() -> dict[str, str]:
    """Column lists of the ml tables: what published promises is what they hold."""
    tables = {}
    for file in sorted((PROJECT / "models" / "published").glob("[a-z]*.yml")):
        for model in yaml.safe_load(file.read_text())["models"]:
            columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
            tables[model["name"]] = columns
    for latest in [name for name in tables if name.endswith("_latest")]:
        del tables[latest]
    for scored in SCORED:
        # The shop's currency is not a column of the scores but of the published tables.
        tables[f"{scored}__scores"] = tables.pop(scored).replace(", currency varchar", "")
    tables["lifetime_value__scores"] += ", currency varchar"
    tables["segments__profiles"] = tables.pop("segment_profiles")
    for name, types in (("cutoffs", CUTOFF_TYPES), ("cohort_cutoffs", COHORT_CUTOFF_TYPES)):
        tables[name] = ", ".join(f"{column} {SQL_TYPES[str(dtype)]}" for column, dtype in types.items())
    tables["audiences"] += ", suppress_reason varchar"
    # Before they are published, instants are in UTC and have no time zone.
    return {name: columns.replace("timestamptz", "timestamp") for name, columns in tables.items()}


def known_by(lines: Sequence[Line], instant: datetime) -> list[Line]:
    return [line for line in lines if (line.known_at or line.ordered_at) < instant]


def score_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Two weeks of scores for Ann, one for Bob; value and segments of Bob alone."""
    for days in (30, 90, 365):
        connection.execute(
            "insert into ml.lifetime_value__scores by name select 'bob' as customer_id, "
            "date '2024-05-20' as as_of_date, timestamp '2024-05-20 04:00:00' as scored_at, 'run' as run_id,"
            " 'lifetime_value' as model_name, 'v1' as model_version, 'net_amount' as target,"
            f" {days} as horizon_days, true as is_eligible, 'ok' as status, 'Good' as quality_grade,"
            " false as is_holdout, 'net' as value_basis, 30.0 as historic_value, 1.0 as baseline_value,"
            f" {days} / 10.0 as predicted_value, 30 + {days} / 10.0 as total_value,"
            " false as is_high_value, 1 as historic_orders, date '2024-06-30' as expected_next_order_date"
        )
    for customer, day, probability in (
        ("ann", "2024-05-13", 0.2), ("ann", "2024-05-20", 0.3), ("bob", "2024-05-13", 0.1)
    ):  # fmt: skip
        connection.execute(
            "insert into ml.purchase_propensity__scores by name select ? as customer_id,"
            " cast(? as date) as as_of_date, ? as probability, timestamp '2024-05-20 04:00:00' as scored_at,"
            " 'run' as run_id, 'purchase_propensity' as model_name, 'v1' as model_version,"
            f" 'purchase' as target, 30 as horizon_days, true as is_eligible, 'ok' as status,"
            f" 'Good' as quality_grade, false as is_holdout, {WHATEVER}",
            [customer, day, probability],
        )
    connection.execute(f"insert into ml.churn__scores by name {CHURN_ROWS}")


@pytest.fixture(scope="session")
def lines() -> list[Line]:
    return handmade_lines() + random_shop(np.random.default_rng(20240506))


@pytest.fixture(scope="session")
def facts() -> Facts:
    return shop_facts(np.random.default_rng(20240507))


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The parsed project."""
    return World(folder=tmp_path_factory.mktemp("parsed")).dbt("parse")


@pytest.fixture(scope="session")
def worlds(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Line], facts: Facts, manifest: Manifest
) -> tuple[World, World]:
    """The world as it was known at ``CUT``, and the whole world, which passes all its tests."""
    folder = tmp_path_factory.mktemp("worlds")
    earlier = create(folder / "earlier", known_by(lines, CUT), facts_known_by(facts, CUT))
    earlier.dbt("run", "--select", FEATURES, manifest=manifest)
    later = create(folder / "later", lines, facts)
    with duckdb.connect(str(later.warehouse)) as connection:
        score_rows(connection)
    later.dbt("build", manifest=manifest)
    return earlier, later


@pytest.fixture(scope="session")
def shop(worlds: tuple[World, World]) -> World:
    """The whole world."""
    return worlds[1]


@pytest.fixture(scope="session")
def caught_up(
    tmp_path_factory: pytest.TempPathFactory,
    worlds: tuple[World, World],
    lines: list[Line],
    facts: Facts,
    manifest: Manifest,
) -> World:
    """The earlier world, to which the later facts came, and which built only the days from ``CUT`` on."""
    world = World(folder=tmp_path_factory.mktemp("caught_up"))
    shutil.copy(worlds[0].warehouse, world.warehouse)
    known = {id(line) for line in known_by(lines, CUT)}
    with duckdb.connect(str(world.warehouse)) as connection:
        load_sources(connection, [line for line in lines if id(line) not in known])
        land_facts(connection, facts)
    world.dbt("run", "--select", FEATURES, LABELS, manifest=manifest, as_of_from=CUT.date().isoformat())
    return world


@pytest.fixture(scope="session")
def unguarded_worlds(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Line], facts: Facts, manifest: Manifest
) -> tuple[World, World]:
    """Both worlds, built by a copy of the project whose point-in-time guard has been taken out."""
    unguarded: Manifest = manifest.deepcopy()
    macro = unguarded.macros["macro.marketing.known_as_of"]
    assert GUARD in macro.macro_sql
    macro.macro_sql = macro.macro_sql.replace(GUARD, "true")
    folder = tmp_path_factory.mktemp("unguarded")
    earlier = create(folder / "earlier", known_by(lines, CUT), facts_known_by(facts, CUT))
    later = create(folder / "later", lines, facts)
    for world in (earlier, later):
        world.dbt("run", "--select", FEATURES, manifest=unguarded)
    return earlier, later


@pytest.fixture(scope="session")
def features_until() -> Callable[[World, str, datetime], pd.DataFrame]:
    """Every row of a feature table whose as-of date is not after an instant, in key order."""

    def read(world: World, table: str, instant: datetime) -> pd.DataFrame:
        return world.read(
            f"select * from features.{table} where as_of_at <= timestamp '{instant}' order by all"
        )

    return read
