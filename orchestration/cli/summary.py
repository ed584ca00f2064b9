"""What a run achieved, in words a marketer understands."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from assets.features.matrix import AS_OF
from assets.ingest.loading.load import reject_kinds
from assets.lifecycle.report.grade import DO_NOT_USE, FALLBACK, GRADES
from assets.lifetime_value import grade as value_grade
from assets.ports import Warehouse
from assets.segments.told import segments_told
from orchestration.cli.told_value import is_value, newest_totals, value_lines

Row = Mapping[Hashable, Any]

COMPARED = (("auc", "AUC"), ("average_precision", "average precision"))
SHOWN_REJECTS = 5
TRIED_QUERY = (
    "select customer_id, round(probability, 3) as probability, decile, reason_1_code "
    "from published.purchase_propensity_latest order by probability desc limit 10"
)

# A grouping predicts nothing and has no grade: the segments are told by themselves.
GRADED_QUERY = "select * from published.model_registry where stage = 'champion' and quality_grade is not null"
SEGMENTS_QUERY = (
    "select scheme, segment_name, ineligible_reason, count(*) as customers, max(stability_ari) as stability "
    "from published.segments where as_of_date = (select max(as_of_date) from published.segments) "
    "group by all order by scheme, customers desc"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the summary tells, as read from the warehouse and from the published snapshot.

    ``rejects`` holds table, kind of reason and rows.
    ``versions`` holds the registry row of each version that serves, ``levels`` each problem's days,
    ``values`` the newest morning's lifetime value by horizon.
    """

    landings: pd.DataFrame
    rejects: Sequence[tuple[str, str, int]]
    versions: pd.DataFrame
    metrics: pd.DataFrame
    levels: pd.DataFrame
    decisions: pd.DataFrame
    segments: pd.DataFrame
    tables: dict[str, int]
    values: pd.DataFrame = field(default_factory=pd.DataFrame)


def facts_of(warehouse: Warehouse, snapshot: Path) -> Facts:
    """Read what was landed, and what SQL consumers now see."""
    with warehouse.connect() as connection:
        rejects = reject_kinds(connection)
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        names = [row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()]

        def published(sql: str) -> pd.DataFrame:
            return connection.execute(sql).df()

        return Facts(
            landings=warehouse.read("select * from raw.load_log"),
            rejects=rejects,
            versions=published(GRADED_QUERY),
            metrics=published("select * from published.metrics where split = 'test'"),
            levels=published("select * from published.levels order by as_of_date"),
            decisions=published("select * from published.retrain_log order by decided_at"),
            segments=published(SEGMENTS_QUERY),
            tables={name: _count(connection, name) for name in sorted(names)},
            values=newest_totals(connection),
        )


def summary(facts: Facts, *, as_of: date, snapshot: Path) -> str:
    """The closing words of ``make run``."""
    published = [f"   published.{name}: {rows:,} rows" for name, rows in facts.tables.items()]
    chapters = {
        "What came in": [*_landed(facts.landings), *_rejected(facts.rejects)],
        "The models": [line for row in facts.versions.to_dict("records") for line in _model(row, facts)],
        "Do the probabilities add up?": _totals(facts),
        "What will customers spend?": value_lines(facts.values, _figures_of_value(facts)),
        "Who are the customers?": segments_told(facts.segments),
        f"What was published for the morning of {as_of}": [*published, f"   in {snapshot}"],
        "Next": [
            "   make ui        then open http://127.0.0.1:3000 for every step, check and plot",
            f'   make query SQL="{TRIED_QUERY}"',
        ],
    }
    told = [["", f"{place}. {title}", *lines] for place, (title, lines) in enumerate(chapters.items(), 1)]
    return "\n".join(line for chapter in told for line in chapter)


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f'select count(*) from published."{table}"').fetchone()
    return int(found[0]) if found else 0


def _landed(landings: pd.DataFrame) -> list[str]:
    counts = ["rows_in", "rows_loaded", "rows_rejected"]
    per_source = landings.groupby(["source", "table_name"], sort=False)[counts].sum().reset_index()
    return [
        f"   {row['source']} -> raw.{row['table_name']}: {row['rows_in']:,} rows in, "
        f"{row['rows_loaded']:,} loaded, {row['rows_rejected']:,} rejected"
        for row in per_source.to_dict("records")
    ]


def _rejected(kinds: Sequence[tuple[str, str, int]]) -> list[str]:
    """The commonest kinds of refusal; every single row stands in raw.rejects of the warehouse."""
    most = sorted(kinds, key=lambda kind: kind[2], reverse=True)[:SHOWN_REJECTS]
    return [f"   rejected from {table}: {reason} ({rows:,} rows)" for table, reason, rows in most]


def _model(version: Row, facts: Facts) -> list[str]:
    name = str(version["model_name"])
    mine = facts.metrics.loc[facts.metrics["model_version"] == version["model_version"]]
    values = {str(row["metric"]): row for row in mine.to_dict("records") if row["slice_name"] == "all"}
    compared = [
        f"   {words} {_interval(values[metric])}; "
        f"naive rival (rate by recency) {_interval(values[f'naive_{metric}'])}"
        for metric, words in COMPARED
        if metric in values
    ]
    decision = facts.decisions.loc[facts.decisions["model_name"] == name].iloc[-1]
    return [
        f"   {name} {version['model_version']}, grade {version['quality_grade']}: {_meaning(version)}",
        *compared,
        f"   newest decision: {decision['decision']}, because {decision['reasons']}",
    ]


def _meaning(version: Row) -> str:
    """What the grade of a version means; a fallback says so itself."""
    if version["calibration_method"] == "none":
        return value_grade.FALLBACK.meaning if is_value(version) else FALLBACK.meaning
    return next(each.meaning for each in (*GRADES, DO_NOT_USE) if each.name == version["quality_grade"])


def _interval(row: Row) -> str:
    return f"{row['value']:.3f} [{row['ci_lo']:.3f}, {row['ci_hi']:.3f}]"


def _totals(facts: Facts) -> list[str]:
    return [
        line
        for version in facts.versions.to_dict("records")
        if not is_value(version)
        for line in (
            f"   {version['model_name']}",
            *_matured(version, facts.metrics),
            *_to_come(version, facts),
        )
    ]


def _figures_of_value(facts: Facts) -> pd.DataFrame:
    """The back-test of the lifetime value that serves."""
    serving = [row["model_version"] for row in facts.versions.to_dict("records") if is_value(row)]
    return facts.metrics.loc[facts.metrics["model_version"].isin(serving)]


def _to_come(version: Row, facts: Facts) -> list[str]:
    """The newest morning that was scored; none while the gate has withheld every one."""
    levels = facts.levels.loc[facts.levels["model_name"] == version["model_name"]]
    return [
        f"      to come, within {version['label_horizon_days']} days from {newest['as_of_date']:%Y-%m-%d}: "
        f"{newest['sum_probability']:,.0f} of {newest['customers']:,} customers, "
        f"95 % interval {newest['total_lo']:,.0f} to {newest['total_hi']:,.0f}"
        for newest in levels.tail(1).to_dict("records")
    ]


def _matured(version: Row, metrics: pd.DataFrame) -> list[str]:
    """The newest judged morning whose outcome is known: what was said of it, and what happened."""
    is_day = (metrics["model_version"] == version["model_version"]) & (metrics["slice_name"] == AS_OF)
    days = metrics.loc[is_day]
    if days.empty:
        return ["      no morning could be judged yet"]
    day = days["slice_value"].max()
    values = {str(row["metric"]): row for row in days.loc[days["slice_value"] == day].to_dict("records")}
    n = int(values["mean_predicted"]["n"])
    said, happened = (n * float(values[name]["value"]) for name in ("mean_predicted", "actual_rate"))
    return [
        f"      looking back to {day}: it was expected of {said:,.0f} of {n:,} sampled customers, and "
        f"happened to {happened:,.0f}"
    ]
