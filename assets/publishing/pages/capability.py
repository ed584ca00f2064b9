"""The page of one capability."""

from collections.abc import Callable, Iterator, Mapping

from assets.publishing.pages.content import Page, Published, Section, Table, words
from assets.publishing.pages.probability import probability_sections
from assets.publishing.pages.segments import segment_sections
from assets.publishing.pages.subjects import Kind, Subject, grade_line
from assets.publishing.pages.value import value_sections


def capability_page(found: Published, subject: Subject) -> Page:
    """The page of one capability.

    Args:
        found: The published tables.
        subject: The capability.
    """
    parts: Mapping[Kind, Callable[[Published, Subject], Iterator[Section]]] = {
        "probability": probability_sections,
        "value": value_sections,
        "segments": segment_sections,
    }
    return Page(
        file=subject.file,
        name=words(subject.spec.name),
        title=subject.spec.question,
        lead=grade_line(found, subject),
        sections=[
            *parts[subject.kind](found, subject),
            *_decision_sections(found, subject),
        ],
    )


def _decision_sections(found: Published, subject: Subject) -> Iterator[Section]:
    rows = found.rows(
        "select as_of_date, decision, trigger, reasons from published.retrain_log "
        f"where model_name = {subject.name} order by decided_at desc limit 5"
    )
    yield Section(
        title="Decisions",
        table=Table(
            headings=["As-of date", "Decision", "Trigger", "Reasons"],
            rows=[[str(each or "") for each in row.values()] for row in rows],
        ),
    )
