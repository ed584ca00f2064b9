"""Sections about segments: sizes, and what sets each apart."""

from collections.abc import Iterator

from markupsafe import Markup

from assets.ingest.parsing.sql import literal
from assets.publishing.pages.charts import Bar, bars
from assets.publishing.pages.content import Cell, Published, Section, Table, percent, sentence
from assets.publishing.pages.subjects import Subject

SHOWN_FEATURES = 3


def segment_sections(found: Published, subject: Subject) -> Iterator[Section]:
    """Sections of a capability that groups customers, one per scheme."""
    for scheme in found.texts(f"select distinct scheme from {subject.latest} order by 1"):
        where = f"from {subject.latest} where scheme = {literal(scheme)}"
        rows = list[list[Cell]]()
        shown = []
        for name in found.texts(
            f"select segment_name {where} and segment_name is not null group by 1 order by count(*) desc, 1"
        ):
            own = f"{where} and segment_name = {literal(name)}"
            size = found.number(f"select count(*) {own}")
            share = found.number(f"select (select count(*) {own}) / (select count(*) {where})", percent)
            shown.append(Bar(label=name, part=size))
            rows.append([name, size, share, _differences(found, scheme, name)])
        without = found.number(f"select count(*) {where} and segment_name is null")
        yield Section(
            title=f"Segments {'by behaviour' if scheme == 'behaviour' else 'by ' + scheme.upper()}",
            lines=[sentence("{} customers have no segment.", without)],
            chart=bars(shown) if shown else None,
            table=Table(
                headings=["Segment", "Customers", "Share", "Mean over that of all customers"], rows=rows
            ),
        )


def _differences(found: Published, scheme: str, name: str) -> Markup:
    """The features in which a segment differs most from all customers."""
    where = (
        f"from published.segment_profiles where scheme = {literal(scheme)} "
        f"and segment_name = {literal(name)} "
        "and as_of_date = (select max(as_of_date) from published.segment_profiles) and index_vs_all > 0"
    )
    features = found.texts(
        f"select feature {where} order by abs(ln(index_vs_all / 100)) desc limit {SHOWN_FEATURES}"
    )
    parts = [
        sentence(
            "{} {}",
            feature.replace("_", " "),
            found.number(f"select index_vs_all / 100 {where} and feature = {literal(feature)}", percent),
        )
        for feature in features
    ]
    return sentence(", ").join(parts)
