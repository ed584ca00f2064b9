"""Sections about a supervised question: total, quality, calibration, cut-offs, deciles, reasons, slices."""

from collections.abc import Iterator, Mapping

from assets.ingest.parsing.sql import literal
from assets.publishing.pages.charts import Bar, bars
from assets.publishing.pages.content import (
    Card,
    Cell,
    Number,
    Published,
    Section,
    Table,
    count,
    decimal,
    percent,
    sentence,
    short,
    words,
)
from assets.publishing.pages.cutoffs import cutoff_sections
from assets.publishing.pages.reasons import reason_section
from assets.publishing.pages.subjects import Measured, Subject, calibration

METRICS = {
    "auc": ("AUC (0.5 is chance)", decimal),
    "average_precision": ("Average precision", decimal),
    "log_loss": ("Log loss (lower is better)", decimal),
    "brier": ("Brier score (lower is better)", decimal),
    "top_tenth_lift": ("Lift of the best tenth", short),
}


def probability_sections(found: Published, subject: Subject) -> Iterator[Section]:
    """Sections of a supervised question."""
    yield Section(
        title="What is expected", cards=[total_card(found, subject)], table=_history(found, subject)
    )
    yield _quality(found, subject)
    yield calibration(found, subject, is_share=True)
    yield from cutoff_sections(found, subject)
    yield _deciles(found, subject)
    yield reason_section(found, subject)
    yield _slices(found, subject)


def total_card(found: Published, subject: Subject) -> Card:
    """Expected number of customers with the outcome on the newest as-of date, with its interval."""
    newest = (
        f"from published.prediction_totals where model_name = {subject.name} order by as_of_date desc limit 1"
    )
    total = found.number(f"select expected_positives {newest}")
    if not total:
        return Card(label=subject.spec.question, value="withheld", detail="No probability is published.")
    return Card(
        label=subject.spec.question,
        value=total,
        detail=sentence(
            "of {} customers; 95 % interval {} to {}",
            *(
                found.number(f"select {column} {newest}")
                for column in ("n_scored", "expected_positives_lo", "expected_positives_hi")
            ),
        ),
    )


def _history(found: Published, subject: Subject) -> Table:
    """Expected and observed totals of the newest as-of dates."""
    days = found.texts(
        f"select as_of_date from published.prediction_totals where model_name = {subject.name} "
        "order by 1 desc limit 8"
    )
    columns = ("n_scored", "expected_positives", "expected_positives_lo", "expected_positives_hi")
    return Table(
        headings=["As-of date", "Customers", "Expected", "From", "To", "Observed"],
        rows=[
            [
                day,
                *(
                    found.number(
                        f"select {column} from published.prediction_totals where model_name = {subject.name} "
                        f"and as_of_date = '{day}'"
                    )
                    for column in (*columns, "observed_positives")
                ),
            ]
            for day in days
        ],
        empty="No as-of date has been scored.",
    )


def _quality(found: Published, subject: Subject) -> Section:
    of = Measured(found=found, subject=subject)
    rows: list[list[Cell]] = [
        [label, *of.with_interval(metric, form), of.value(f"baseline_{metric}", form)]
        for metric, (label, form) in METRICS.items()
    ]
    return Section(
        title="How good the serving version is",
        lines=[
            "Measured on dates newer than its training data, beside a simple baseline: the rate by recency."
        ],
        table=Table(
            headings=["Measure", "Value", "95 % from", "to", "Baseline"],
            rows=[row for row in rows if row[1]],
            empty="The baseline serves, or no as-of date could be evaluated yet.",
        ),
    )


def _deciles(found: Published, subject: Subject) -> Section:
    """Expected hits and misses of the customers who are scored now, by decile of their probability."""
    scored = f"from {subject.latest} where is_eligible and probability is not null"
    deciles = found.texts(f"select distinct decile {scored} and decile is not null order by 1")
    rows = [(decile, *_decile(found, scored, decile)) for decile in deciles]
    shown = [Bar(label=f"decile {decile}", part=hits, whole=n) for decile, n, hits, *_ in rows]
    return Section(
        title="Lift by decile: what is expected",
        lines=[
            "Decile 1 holds the tenth of customers with the highest probability. Hits are the customers "
            "expected to have the outcome, misses the others; the last column is the share of all hits up to "
            "that decile."
        ],
        chart=bars(shown) if shown else None,
        table=Table(
            headings=["Decile", "Customers", "Expected hits", "Expected misses", "Lift", "Hits so far"],
            rows=rows,
        ),
    )


def _decile(found: Published, scored: str, decile: str) -> tuple[Number, Number, Number, Number, Number]:
    """Customers, hits, misses and lift of one decile, and the share of hits up to it."""
    own = f"{scored} and decile = {decile}"
    so_far = f"sum(probability) filter (where decile <= {decile})"
    return (
        found.number(f"select count(*) {own}"),
        found.number(f"select sum(probability) {own}"),
        found.number(f"select sum(1 - probability) {own}"),
        found.number(f"select (select avg(probability) {own}) / (select avg(probability) {scored})", short),
        found.number(f"select {so_far} / sum(probability) {scored}", percent),
    )


def _slices(found: Published, subject: Subject) -> Section:
    rows = found.rows(
        "select distinct slice_name, slice_value from published.metrics "
        f"where model_version = {subject.version} and split = 'test' "
        "and slice_name not in ('all', 'as_of_date') order by all"
    )

    def cells(row: Mapping[str, object]) -> Iterator[Cell]:
        name, value = str(row["slice_name"]), str(row["slice_value"])
        where = f"slice_name = {literal(name)} and slice_value = {literal(value)}"
        of = Measured(found=found, subject=subject, where=where)
        yield f"{words(name)}: {value}"
        yield of.value("mean_observed", count, of="n")
        yield of.value("mean_predicted", percent)
        yield from of.with_interval("mean_observed", percent)
        yield of.value("auc", decimal)

    return Section(
        title="Slices: is it right for every kind of customer?",
        table=Table(
            headings=["Customers", "Rows", "Predicted", "Observed", "95 % from", "to", "AUC"],
            rows=[list(cells(row)) for row in rows],
            empty="Not measured yet.",
        ),
    )
