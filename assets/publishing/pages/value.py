"""Sections about expected amounts: totals by horizon, calibration, who brings them."""

from collections.abc import Iterator, Sequence

from assets.publishing.pages.charts import Bar, bars
from assets.publishing.pages.content import (
    Card,
    Cell,
    Published,
    Section,
    Table,
    decimal,
    percent,
    sentence,
    short,
)
from assets.publishing.pages.subjects import Measured, Subject, calibration


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
    where = f"from {subject.latest} where horizon_days = {days} and is_eligible"
    currency = "".join(found.texts(f"select any_value(currency) {where}"))
    total = found.number(f"select sum(predicted_value) {where}")
    ratio, low, high = _of_horizon(found, subject, days).with_interval("total_ratio", short)
    bounds = "in a backtest {} of the observed total was predicted (95 % interval {} to {})"
    return Card(
        label=f"Expected spend in {days} days",
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
            found.number(f"select sum({column}) {where}")
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
    tenths = found.texts(f"select distinct tenth from {ranked} order by 1")
    rows = list[list[Cell]]()
    shown = []
    for tenth in tenths:
        total = found.number(f"select sum(predicted_value) from {ranked} where tenth = {tenth}")
        so_far = found.number(
            f"select sum(predicted_value) filter (where tenth <= {tenth}) / sum(predicted_value) "
            f"from {ranked}",
            percent,
        )
        customers = found.number(f"select count(*) from {ranked} where tenth = {tenth}")
        shown.append(Bar(label=f"tenth {tenth}", part=total))
        rows.append([tenth, customers, total, so_far])
    return Section(
        title=f"Who brings it: expected spend in {days} days by tenth of customers",
        chart=bars(shown) if shown else None,
        table=Table(headings=["Tenth", "Customers", "Expected spend", "Share so far"], rows=rows),
    )
