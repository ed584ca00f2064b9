"""Sections about cut-offs: what each brings, expected of the cohort and measured on the test fold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from assets.ingest.parsing.sql import literal
from assets.publishing.pages.charts import Curve, Point, gain
from assets.publishing.pages.content import (
    Cell,
    Form,
    Number,
    Published,
    Section,
    Table,
    count,
    decimal,
    percent,
    sentence,
    short,
    with_interval,
)
from assets.publishing.pages.subjects import Subject

BEST_F1 = "best_f1"
EXPECTED = (
    "Hits are the selected customers expected to have the outcome, the sum of their probabilities; misses "
    "are the other selected ones. Best F1 selects the customers at or above the probability that gave the "
    "best F1 on validation rows."
)
NOT_MEASURED = (
    "A fallback serves: no precision, recall or lift was measured on rows that it had not seen, and only "
    "what is expected is shown."
)
MEASURED = (
    "On {} rows of newer dates, which the model had not seen; {} had the outcome. Beside each value is that "
    "of the baseline, the rate by recency, at the same cut-off; below it its 95 % interval, by customer."
)
DEFINED = (
    "Precision is the share of the selected with the outcome, recall the share of all outcomes that the "
    "selection holds, lift the precision over that of a random choice."
)
F1 = "F1, the harmonic mean of precision and recall: {} (95 % interval {} to {}); baseline: {} ({} to {})."
COUNTS = {
    "With the outcome": ("true_positives", "false_negatives"),
    "Without the outcome": ("false_positives", "true_negatives"),
}
MEASURES: dict[str, Form] = {"precision": percent, "recall": percent, "lift": short}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One cut-off of one capability on its newest as-of date."""

    found: Published
    subject: Subject
    name: str

    @property
    def words(self) -> str:
        """Its name for a person."""
        return "Best F1" if self.name == BEST_F1 else f"Top {self.name.split('_')[1]} %"

    def number(self, column: str, form: Form = count) -> Number:
        """One value; ``column`` is a column of the cut-offs or a calculation with several."""
        return self.found.number(
            f"select {column} from published.cutoffs_latest where capability = {self.subject.name} "
            f"and cut = {literal(self.name)}",
            form,
        )

    def measured(self, column: str, form: Form) -> Markup:
        """A measured value with its interval."""
        value, low, high = (self.number(f"{column}{end}", form) for end in ("", "_lo", "_hi"))
        return with_interval(value, low, high)


def cutoff_sections(found: Published, subject: Subject) -> Iterator[Section]:
    """What selecting the customers above each cut-off brings, expected and measured.

    Args:
        found: The published tables.
        subject: A capability that predicts a probability.
    """
    where = f"from published.cutoffs_latest where capability = {subject.name}"
    order = f"order by cut = '{BEST_F1}', share"
    cuts, measured = (
        [Cut(found=found, subject=subject, name=name) for name in found.texts(sql)]
        for sql in (f"select cut {where} {order}", f"select cut {where} and n is not null {order}")
    )
    days = found.texts(f"select any_value(as_of_date) {where}")
    yield _expected(cuts, day="".join(days), is_measured=bool(measured))
    if measured:
        yield _measured(measured)
    yield from (_confusion(cut) for cut in measured if cut.name == BEST_F1)


def _expected(cuts: Sequence[Cut], *, day: str, is_measured: bool) -> Section:
    lines = [f"Customers scored on {day}. {EXPECTED}", *([] if is_measured else [NOT_MEASURED])]
    return Section(
        title="What a cut-off brings: expected",
        lines=lines if cuts else (),
        table=Table(
            headings=[
                "Selected", "Lowest probability", "Customers", "Of all", "Expected hits", "Expected misses",
                "Of all expected hits",
            ],
            rows=[
                [
                    cut.words,
                    cut.number("threshold", percent),
                    cut.number("n_selected"),
                    cut.number("n_selected / n_scored", percent),
                    cut.number("expected_hits"),
                    cut.number("expected_misses"),
                    cut.number("expected_hits / nullif(expected_positives, 0)", percent),
                ]
                for cut in cuts
            ],
            empty="Nobody is scored yet.",
        ),
    )  # fmt: skip


def _measured(cuts: Sequence[Cut]) -> Section:
    return Section(
        title="What a cut-off brought: measured",
        lines=[
            sentence(MEASURED, cuts[0].number("n"), cuts[0].number("n_positive")),
            DEFINED,
            "The chart is the cumulative gain: recall by share of customers selected.",
        ],
        chart=gain([_curve(cuts, "Model"), _curve(cuts, "Baseline", prefix="baseline_")]),
        table=Table(
            headings=["Selected", *(head for name in MEASURES for head in (name.capitalize(), "Baseline"))],
            rows=[[cut.words, *_measures(cut)] for cut in cuts],
        ),
    )  # fmt: skip


def _measures(cut: Cut) -> Iterator[Cell]:
    for name, form in MEASURES.items():
        yield cut.measured(name, form)
        yield cut.measured(f"baseline_{name}", form)


def _curve(cuts: Sequence[Cut], name: str, *, prefix: str = "") -> Curve:
    """Gain of the cuts by share; the one of best F1 is none: it selects more on one date than on another."""
    return Curve(
        name=name,
        points=[
            Point(
                x=cut.number(f"({prefix}true_positives + {prefix}false_positives) / n", percent),
                y=cut.number(f"{prefix}gain", percent),
                low=cut.number(f"{prefix}gain_lo", percent),
                high=cut.number(f"{prefix}gain_hi", percent),
            )
            for cut in cuts
            if cut.name != BEST_F1
        ],
    )


def _confusion(cut: Cut) -> Section:
    rows: list[list[Cell]] = [
        [label, *(cut.number(f"{prefix}{column}") for prefix in ("", "baseline_") for column in columns)]
        for label, columns in COUNTS.items()
    ]
    return Section(
        title="Confusion matrix at the cut-off of best F1",
        lines=[
            "The lowest probability to select was chosen on validation rows, older than those counted here.",
            sentence(
                F1,
                *(
                    cut.number(f"{prefix}f1{end}", decimal)
                    for prefix in ("", "baseline_")
                    for end in ("", "_lo", "_hi")
                ),
            ),
        ],
        table=Table(
            headings=["Rows", "Selected", "Not selected", "Baseline: selected", "Baseline: not selected"],
            rows=rows,
        ),
    )
