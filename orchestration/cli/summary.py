"""Summary of a run for a marketer: loaded rows, models, expected totals, segments, published tables."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from assets.connections import open_duckdb
from assets.features.matrix import AS_OF
from assets.ingest.loading.load import reject_kinds
from assets.lifecycle.promotion import FALLBACK_SUFFIX
from assets.lifetime_value.capability import LIFETIME_VALUE
from assets.ports import Warehouse
from assets.segments.spec import BEHAVIOUR, RFM
from assets.supervised.capability import SupervisedCapability
from orchestration.capabilities import CAPABILITIES
from orchestration.continuation import CapabilityFailure

Row = Mapping[Hashable, Any]

SPECS = {each.spec.name: each.spec for each in CAPABILITIES}
# Capabilities whose probabilities have a total that can be compared with what is observed.
WITH_TOTALS = frozenset(each.spec.name for each in CAPABILITIES if isinstance(each, SupervisedCapability))

COMPARED = (("auc", "AUC"), ("average_precision", "average precision"))
SCHEMES = {BEHAVIOUR: "by behaviour", RFM: "by recency, frequency and value"}
SHOWN_REJECTS = 5
EXAMPLE_QUERY = (
    "select customer_id, round(probability, 3) as probability, decile, reason_1_code "
    "from published.purchase_propensity_latest order by probability desc limit 10"
)

GRADED_QUERY = "select * from published.model_registry where stage = 'champion' and quality_grade is not null"
SEGMENTS_QUERY = (
    "select scheme, segment_name, ineligible_reason, count(*) as customers, max(stability_ari) as stability "
    "from published.segments where as_of_date = (select max(as_of_date) from published.segments) "
    "group by all order by scheme, customers desc"
)

VALUE_METRICS = {"deviance": "deviance (lower)", "wape": "WAPE (lower)", "gini": "Gini (higher)"}
POOR = "Poor"
VALUES_QUERY = """
    select horizon_days, count(*) as customers, sum(predicted_value) as predicted,
        sum(baseline_value) as baseline, sum(predicted_orders) as orders, any_value(currency) as currency,
        any_value(status) as status, any_value(quality_grade) as quality_grade, max(as_of_date) as as_of_date
    from published.lifetime_value
    where as_of_date = (select max(as_of_date) from published.lifetime_value) and is_eligible
    group by 1 order by 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Content of the summary, read from the warehouse and from the published snapshot.

    Attributes:
        landings: Rows of ``raw.landings``, one per loaded file.
        rejects: Table, kind of reason and number of rows.
        versions: Registry rows of the champions that have a grade.
        metrics: Rows of ``published.metrics`` on the test fold.
        prediction_totals: Rows of ``published.prediction_totals``, by as-of date.
        decisions: Rows of ``published.retrain_log``, the newest last.
        segments: Customers per scheme and segment on the newest as-of date.
        tables: Number of rows per published table.
        values: Lifetime value of the newest as-of date, one row per horizon.
    """

    landings: pd.DataFrame
    rejects: Sequence[tuple[str, str, int]]
    versions: pd.DataFrame
    metrics: pd.DataFrame
    prediction_totals: pd.DataFrame
    decisions: pd.DataFrame
    segments: pd.DataFrame
    tables: dict[str, int]
    values: pd.DataFrame = field(default_factory=pd.DataFrame)


def facts_of(warehouse: Warehouse, snapshot: Path) -> Facts:
    """Read the landings from the warehouse and everything else from the published snapshot."""
    with warehouse.connect() as connection:
        rejects = reject_kinds(connection)
    with open_duckdb(snapshot, is_read_only=True, reads_files=False) as connection:
        names = [row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()]

        def published(sql: str) -> pd.DataFrame:
            return connection.execute(sql).df()

        return Facts(
            landings=warehouse.read("select * from raw.load_log"),
            rejects=rejects,
            versions=published(GRADED_QUERY),
            metrics=published("select * from published.metrics where split = 'test'"),
            prediction_totals=published("select * from published.prediction_totals order by as_of_date"),
            decisions=published("select * from published.retrain_log order by decided_at"),
            segments=published(SEGMENTS_QUERY),
            tables={name: _count(connection, name) for name in sorted(names)},
            values=published(VALUES_QUERY),
        )


def summary(
    facts: Facts, *, as_of: date, snapshot: Path, page: Path, failed: Sequence[CapabilityFailure] = ()
) -> str:
    """Format the summary that ends ``make run``.

    Args:
        facts: Content of the summary.
        as_of: The as-of date of the run.
        snapshot: File of the published tables.
        page: First page about them.
        failed: Capabilities that failed in the run.
    """
    published = [f"   published.{name}: {rows:,} rows" for name, rows in facts.tables.items()]
    serving = facts.versions.loc[facts.versions["model_name"] == LIFETIME_VALUE.spec.name, "model_version"]
    value_metrics = facts.metrics.loc[facts.metrics["model_version"].isin(serving)]
    sections = {
        **({"Failed capabilities": _failed(failed)} if failed else {}),
        "Loaded data": [*_landed(facts.landings), *_rejected(facts.rejects)],
        "Models": [line for row in facts.versions.to_dict("records") for line in _model(row, facts)],
        "Expected and observed totals": _totals(facts),
        "Expected spend": value_lines(facts.values, value_metrics),
        "Segments": _segment_lines(facts.segments),
        f"Published tables for as-of date {as_of}": [*published, f"   in {snapshot}"],
        "Next": [
            f"   open {page}",
            "   make ui        then open http://127.0.0.1:3000 for every step, check and plot",
            f'   make query SQL="{EXAMPLE_QUERY}"',
        ],
    }
    text = [["", f"{number}. {title}", *lines] for number, (title, lines) in enumerate(sections.items(), 1)]
    return "\n".join(line for section in text for line in section)


def _failed(failed: Sequence[CapabilityFailure]) -> list[str]:
    return [
        *(f"   {each}" for each in failed),
        "   the rows that they published before are served on; all other capabilities published",
    ]


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f'select count(*) from published."{table}"').fetchone()
    return int(found[0]) if found else 0


def _landed(landings: pd.DataFrame) -> list[str]:
    counts = ["rows_in", "rows_loaded", "rows_rejected", "rows_left_out"]
    per_source = landings.groupby(["source", "table_name"], sort=False)[counts].sum().reset_index()
    return [
        f"   {row['source']} -> raw.{row['table_name']}: {row['rows_in']:,} rows in, "
        f"{row['rows_loaded']:,} loaded, {row['rows_rejected']:,} rejected"
        + (f", {row['rows_left_out']:,} left out" if row["rows_left_out"] else "")
        for row in per_source.to_dict("records")
    ]


def _rejected(kinds: Sequence[tuple[str, str, int]]) -> list[str]:
    """Most frequent rejection reasons; every rejected row is in raw.rejects of the warehouse."""
    most = sorted(kinds, key=lambda kind: kind[2], reverse=True)[:SHOWN_REJECTS]
    return [f"   rejected in {table}: {reason} ({rows:,} rows)" for table, reason, rows in most]


def _model(version: Row, facts: Facts) -> list[str]:
    name = str(version["model_name"])
    mine = facts.metrics.loc[facts.metrics["model_version"] == version["model_version"]]
    values = {str(row["metric"]): row for row in mine.to_dict("records") if row["slice_name"] == "all"}
    compared = [
        f"   {label} {_interval(values[metric])}; "
        f"baseline (rate by recency) {_interval(values[f'baseline_{metric}'])}"
        for metric, label in COMPARED
        if metric in values
    ]
    decision = facts.decisions.loc[facts.decisions["model_name"] == name].iloc[-1]
    return [
        f"   {name} {version['model_version']}, grade {version['quality_grade']}: {_meaning(version)}",
        *compared,
        f"   latest decision: {decision['decision']} ({decision['reasons']})",
    ]


def _meaning(version: Row) -> str:
    """Return the meaning of a version's grade, or that it is the fallback."""
    spec = SPECS[str(version["model_name"])]
    if str(version["model_version"]).endswith(FALLBACK_SUFFIX):
        return spec.fallback_grade.meaning
    return spec.grade_meanings[str(version["quality_grade"])]


def _interval(row: Row) -> str:
    return f"{row['value']:.3f} [{row['ci_lo']:.3f}, {row['ci_hi']:.3f}]"


def _totals(facts: Facts) -> list[str]:
    return [
        line
        for version in facts.versions.to_dict("records")
        if version["model_name"] in WITH_TOTALS
        for line in (
            f"   {version['model_name']}",
            *_matured(version, facts.metrics),
            *_to_come(version, facts),
        )
    ]


def _to_come(version: Row, facts: Facts) -> list[str]:
    """Total of the newest scored as-of date; empty while all scores have been withheld."""
    prediction_totals = facts.prediction_totals.loc[
        facts.prediction_totals["model_name"] == version["model_name"]
    ]
    return [
        f"      expected within {version['label_horizon_days']} days from {newest['as_of_date']:%Y-%m-%d}: "
        f"{newest['expected_positives']:,.0f} of {newest['n_scored']:,} customers, "
        f"95 % interval {newest['expected_positives_lo']:,.0f} to {newest['expected_positives_hi']:,.0f}"
        for newest in prediction_totals.tail(1).to_dict("records")
    ]


def _matured(version: Row, metrics: pd.DataFrame) -> list[str]:
    """Expected and observed total of the newest as-of date of the test fold."""
    is_day = (metrics["model_version"] == version["model_version"]) & (metrics["slice_name"] == AS_OF)
    days = metrics.loc[is_day]
    if days.empty:
        return ["      no as-of date could be evaluated yet"]
    day = days["slice_value"].max()
    values = {str(row["metric"]): row for row in days.loc[days["slice_value"] == day].to_dict("records")}
    n = int(values["mean_predicted"]["n"])
    expected, observed = (n * float(values[name]["value"]) for name in ("mean_predicted", "mean_observed"))
    return [f"      on {day}: expected {expected:,.0f} of {n:,} sampled customers, observed {observed:,.0f}"]


def value_lines(totals: pd.DataFrame, metrics: pd.DataFrame) -> list[str]:
    """Format the backtest metrics of the serving version of lifetime value and its expected totals.

    Args:
        totals: Rows of ``VALUES_QUERY``, shape (horizons, 9).
        metrics: Rows of ``published.metrics`` of the serving version; empty for the fallback.
    """
    if totals.empty:
        return ["   nothing was published"]
    known = {str(row["metric"]): row for row in metrics.to_dict("records") if row["slice_name"] == "all"}
    compared = [
        f"   {label} {_interval(known[name])}; baseline {_interval(known[f'baseline_{name}'])}"
        for name, label in VALUE_METRICS.items()
        if name in known
    ]
    return [
        *(compared or [f"   {LIFETIME_VALUE.spec.fallback_grade.meaning}"]),
        *map(_value_total, totals.to_dict("records")),
    ]


def _value_total(row: Row) -> str:
    start = f"   next {row['horizon_days']} days, from {row['as_of_date']:%Y-%m-%d}: "
    if pd.isna(row["predicted"]):
        return f"{start}withheld: the backtest of this horizon failed; baseline {row['baseline']:,.0f}"
    if row["quality_grade"] == POOR:
        return (
            f"{start}no total, because the grade is {POOR}: `predicted_value` ranks customers, do not sum it"
        )
    expected = row["orders"]
    orders: str = "" if pd.isna(expected) else f", {expected:,.0f} days with an order"
    return (
        f"{start}{row['predicted']:,.0f} {row['currency']} by {row['customers']:,} customers{orders}; "
        f"baseline {row['baseline']:,.0f}"
    )


def _segment_lines(segments: pd.DataFrame) -> Iterator[str]:
    """Format one line per scheme: its segments with their shares of customers, the largest first."""
    for scheme, label in SCHEMES.items():
        rows = segments.loc[segments["scheme"] == scheme]
        if rows.empty:
            continue
        shares = rows["customers"] / rows["customers"].sum()
        names = rows["segment_name"].fillna("no segment (" + rows["ineligible_reason"].astype("string") + ")")
        text = "; ".join(f"{name} {share:.0%}" for name, share in zip(names, shares, strict=True))
        stability = rows["stability"].max()
        agreement = "" if pd.isna(stability) else f" (agreement with the previous as-of date {stability:.2f})"
        yield f"   {label}: {text}{agreement}"
