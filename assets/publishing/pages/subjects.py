"""A capability as the pages show it: its grade, its metrics, its calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assets.features.groups import FeatureGroup
from assets.ingest.parsing.sql import literal
from assets.lifecycle.promotion import FALLBACK_SUFFIX
from assets.lifecycle.spec import Spec
from assets.publishing.pages.charts import Point, reliability
from assets.publishing.pages.content import (
    Cell,
    Form,
    Number,
    Published,
    Section,
    Table,
    badge,
    count,
    percent,
    sentence,
    short,
)

Kind = Literal["probability", "value", "segments"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A capability as the pages show it.

    ``kind``: whether it predicts a probability, an amount or the segment of a customer. ``groups`` explain
    its reason codes, empty where it has none.
    """

    spec: Spec
    kind: Kind
    groups: Sequence[FeatureGroup] = ()

    @property
    def name(self) -> str:
        """The name in the tables, as an SQL literal."""
        return literal(self.spec.name)

    @property
    def file(self) -> str:
        """File name of its page."""
        return f"{self.spec.name}.html"

    @property
    def latest(self) -> str:
        """Its published table of newest rows."""
        return f"published.{self.spec.tables[0].published[-1]}"

    @property
    def version(self) -> str:
        """SQL of the serving version, for a comparison with ``model_version``."""
        return (
            "(select model_version from published.model_registry where stage = 'champion' "
            f"and model_name = {self.name} order by trained_at desc limit 1)"
        )


def grade_of(found: Published, subject: Subject) -> tuple[str, str]:
    """Grade of the serving version and its meaning, both empty where nothing serves."""
    rows = found.rows(
        f"select model_version, quality_grade from published.model_registry where stage = 'champion' "
        f"and model_name = {subject.name} and quality_grade is not null order by trained_at desc limit 1"
    )
    if not rows:
        return "", ""
    grade = str(rows[0]["quality_grade"])
    if str(rows[0]["model_version"]).endswith(FALLBACK_SUFFIX):
        return grade, _plain(subject.spec.fallback_grade.meaning)
    return grade, _plain(subject.spec.grade_meanings[grade])


def _plain(text: str) -> str:
    """``text`` without the backticks of Markdown."""
    return text.replace("`", "")


def grade_line(found: Published, subject: Subject) -> Cell:
    """Grade as a badge, with its meaning."""
    grade, meaning = grade_of(found, subject)
    return sentence("{} {}", badge(grade), meaning) if grade else "No version serves yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Metrics of the serving version on one slice of the test fold; ``where`` selects the slice, in SQL."""

    found: Published
    subject: Subject
    where: str = "slice_name = 'all'"

    def value(self, metric: str, form: Form, *, of: str = "value") -> Number:
        """One value of a metric; a dash where it was not measured.

        Args:
            metric: Name of the metric.
            form: How it is written.
            of: Column of the published metrics.
        """
        return self.found.number(
            f"select {of} from published.metrics where model_version = {self.subject.version} "
            f"and split = 'test' and {self.where} and metric = {literal(metric)} limit 1",
            form,
        )

    def with_interval(self, metric: str, form: Form) -> list[Number]:
        """The metric and both ends of its interval."""
        return [self.value(metric, form, of=of) for of in ("value", "ci_lo", "ci_hi")]


def calibration(found: Published, subject: Subject, *, is_share: bool) -> Section:
    """Predicted against observed by tenth of the test fold.

    Args:
        found: The published tables.
        subject: The capability.
        is_share: Whether a probability is predicted, and not an amount.
    """
    where = (
        f"from published.calibration_bins where model_version = {subject.version} and split = 'test' "
        "and slice_name = 'all'"
    )
    form = percent if is_share else short
    points, rows = [], list[list[Cell]]()
    for number in found.texts(f"select bin {where} order by bin"):
        n, *values = (
            found.number(f"select {column} {where} and bin = {number}", count if column == "n" else form)
            for column in ("n", "mean_predicted", "mean_observed", "ci_lo", "ci_hi")
        )
        points.append(Point(x=values[0], y=values[1], low=values[2], high=values[3]))
        rows.append([f"{number}", n, *values])
    what = "probability" if is_share else "amount"
    return Section(
        title="Calibration: do predictions add up?",
        lines=[f"Rows of newer dates in tenths by predicted {what}. Points on the dashed line were right."],
        chart=reliability(points, is_share=is_share) if points else None,
        table=Table(
            headings=["Tenth", "Rows", "Predicted", "Observed", "95 % from", "to"],
            rows=rows,
            empty="Not measured yet: the baseline serves, or no outcome window has ended.",
        ),
    )
