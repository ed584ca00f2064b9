"""Sections about expected amounts: totals by horizon, calibration, who brings them."""

from collections.abc import Iterator, Sequence

from assets.publishing.pages.charts import Bar, bars
from assets.publishing.pages.content import (
    Card,
    Cell,
    Number,
    Published,
    Section,
    Table,
    decimal,
    percent,
    sentence,
    short,
)
from assets.publishing.pages.subjects import Measured, Subject, calibration

POOR = "Poor"
NO_TOTAL = "no total"
NOT_SUMMED = f"Graded {POOR}: the amounts rank customers, and their sum is no forecast."


def is_summable(found: Published, subject: Subject, days: str) -> bool:
    """Whether the amounts of a horizon may be added up, which the grade Poor forbids.

    Args:
        found: The published tables.
        subject: The capability.
        days: The horizon in days, as text.
    """
    return not found.texts(
        f"select 1 from {subject.latest} where horizon_days = {days} and is_eligible "
        f"and quality_grade = '{POOR}' limit 1"
    )


def horizons(found: Published, subject: Subject) -> list[str]:
    """The horizons of lifetime value in days, as text, the shortest first."""
    return found.texts(f"select distinct horizon_days from {subject.latest} order by 1")


def value_card(found: Published, subject: Subject, days: str) -> Card:
    """Expected spend of all customers within a horizon, with the ratio that its backtest gave.

    Args:
        found: The published tables.
        subject: The capability.
        days: The horizon in days, as text.
    """
    label = f"Expected spend in {days} days"
    if not is_summable(found, subject, days):
        return Card(label=label, value=NO_TOTAL, detail=NOT_SUMMED)
    where = f"from {subject.latest} where horizon_days = {days} and is_eligible"
    currency = "".join(found.texts(f"select any_value(currency) {where}"))
    total = found.number(f"select sum(predicted_value) {where}")
    ratio, low, high = _of_horizon(found, subject, days).with_interval("total_ratio", short)
    bounds = "in a backtest {} of the observed total was predicted (95 % interval {} to {})"
    return Card(
        label=label,
        value=sentence("{} {}", total, currency) if total else "withheld",
        detail=sentence(bounds, ratio, low, high) if ratio else "No backtest yet: a rough figure.",
    )


def _of_horizon(found: Published, subject: Subject, days: str) -> Measured:
    where = f"slice_name = 'horizon_days' and slice_value = '{days}'"
    return Measured(found=found, subject=subject, where=where)


def value_sections(found: Published, subject: Subject) -> Iterator[Section]:
    """Sections of a capability that predicts amounts."""
    days = horizons(found, subject)
    cards = [value_card(found, subject, each) for each in days]
    yield Section(title="What is expected", cards=cards, table=_horizon_table(found, subject, days))
    yield calibration(found, subject, is_share=False)
    yield _value_deciles(found, subject, days[0] if days else "30")


def _horizon_table(found: Published, subject: Subject, days: Sequence[str]) -> Table:
    def cells(each: str) -> Iterator[Cell]:
        where = f"from {subject.latest} where horizon_days = {each} and is_eligible"
        of = _of_horizon(found, subject, each)
        yield f"{each} days"
        yield found.number(f"select count(*) {where}")
        yield from (
            found.number(f"select sum({column}) {where}") if is_summable(found, subject, each) else NO_TOTAL
            for column in ("predicted_value", "baseline_value", "predicted_orders")
        )
        yield of.value("coverage", percent)
        yield of.value("gini", decimal)

    return Table(
        headings=[
            "Horizon",
            "Customers",
            "Predicted",
            "Baseline",
            "Orders",
            "In their 80 % interval",
            "Gini",
        ],
        rows=[list(cells(each)) for each in days],
    )


def _value_deciles(found: Published, subject: Subject, days: str) -> Section:
    ranked = (
        "(select predicted_value, ntile(10) over (order by predicted_value desc, customer_id) as tenth "
        f"from {subject.latest} where horizon_days = {days} and predicted_value is not null)"
    )
    summable = is_summable(found, subject, days)
    tenths = found.texts(f"select distinct tenth from {ranked} order by 1") if summable else []
    rows = [_tenth(found, ranked, tenth) for tenth in tenths]
    shown = [Bar(label=f"tenth {tenth}", part=total) for tenth, _, total, _ in rows]
    return Section(
        title=f"Who brings it: expected spend in {days} days by tenth of customers",
        chart=bars(shown) if shown else None,
        table=Table(
            headings=["Tenth", "Customers", "Expected spend", "Share so far"],
            rows=rows,
            empty="Nothing yet." if summable else NOT_SUMMED,
        ),
    )


def _tenth(found: Published, ranked: str, tenth: str) -> tuple[str, Number, Number, Number]:
    """One tenth: its number, customers and expected spend, and the share of all spend up to it."""
    so_far = f"sum(predicted_value) filter (where tenth <= {tenth}) / sum(predicted_value)"
    return (
        tenth,
        found.number(f"select count(*) from {ranked} where tenth = {tenth}"),
        found.number(f"select sum(predicted_value) from {ranked} where tenth = {tenth}"),
        found.number(f"select {so_far} from {ranked}", percent),
    )
