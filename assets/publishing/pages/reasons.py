"""Reasons as sentences: the most frequent ones, and those of the customers with the highest probability."""

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from assets.ingest.parsing.sql import literal
from assets.publishing.pages.content import (
    Cell,
    Published,
    Section,
    Table,
    percent,
    sentence,
    with_interval,
    words,
)
from assets.publishing.pages.subjects import Subject

SHOWN_REASONS, SHOWN_CUSTOMERS = 12, 20
REASON_PLACES = (1, 2, 3)


def reason_section(found: Published, subject: Subject) -> Section:
    """Reasons by feature group and direction, each with the most frequent sentence.

    Args:
        found: The published tables.
        subject: A capability that predicts a probability.
    """
    given = _given_reasons(subject)
    kinds = found.rows(
        f"select code, direction from {given} group by all "
        "order by count(*) filter (where place = 1) desc, count(*) desc, code, direction "
        f"limit {SHOWN_REASONS}"
    )
    return Section(
        title="Most frequent reasons",
        lines=[
            "What moves the probability away from that of a typical customer: how many customers have it as "
            "their first reason or among their three, and the most frequent sentence of these."
        ],
        table=Table(
            headings=[
                "Reason",
                "Probability",
                "First reason of",
                "Among three of",
                "Most frequent sentence",
                "Customers",
            ],
            rows=[list(_reason(found, subject, given, row)) for row in kinds],
            empty="No reasons: the baseline serves, or nobody is scored.",
        ),
    )


def _given_reasons(subject: Subject) -> str:
    """Every reason of every eligible customer, as a query in parentheses."""
    places = " union all ".join(
        f"select {place} as place, reason_{place}_code as code, reason_{place}_direction as direction, "
        f"reason_{place}_sentence as sentence from {subject.latest} "
        f"where is_eligible and reason_{place}_code is not null"
        for place in REASON_PLACES
    )
    return f"({places})"


def _reason(found: Published, subject: Subject, given: str, row: Mapping[str, object]) -> Iterator[Cell]:
    described = {column: group.description for group in subject.groups for column in group.columns}
    code, direction = str(row["code"]), str(row["direction"])
    own = f"from {given} where code = {literal(code)} and direction = {literal(direction)}"
    yield _upper(described.get(code, words(code)))
    yield direction
    yield found.number(f"select count(*) {own} and place = 1")
    yield found.number(f"select count(*) {own}")
    frequent = "".join(
        found.texts(
            f"select sentence {own} and sentence is not null group by 1 order by count(*) desc, 1 limit 1"
        )
    )
    yield frequent
    yield found.number(f"select count(*) {own} and sentence = {literal(frequent)}")


def top_customers(found: Published, subject: Subject) -> Section:
    """The customers with the highest probability, with their reasons as sentences.

    Args:
        found: The published tables.
        subject: A capability that predicts a probability.
    """
    reasons = ", ".join(f"reason_{each}_sentence, reason_{each}_direction" for each in REASON_PLACES)
    rows = found.rows(
        f"select customer_id, as_of_date, is_holdout, consent_ads, {reasons} "
        f"from {subject.latest} where is_eligible and probability is not null "
        f"order by probability desc, customer_id limit {SHOWN_CUSTOMERS}"
    )
    return Section(
        title=f"Highest probability: {subject.spec.question}",
        lines=[
            sentence(
                "The first {} eligible customers, with the 95 % interval of the rate of customers like them. "
                'Advertising needs consent and leaves out the holdout. <a href="{}">More about it</a>',
                SHOWN_CUSTOMERS, subject.file,
            )
        ],
        table=Table(
            headings=["Customer", "As-of date", "Probability", "Advertising", "Reasons"],
            rows=[list(_customer(found, subject, row)) for row in rows],
            empty="Nobody is scored, or probabilities are withheld.",
        ),
    )  # fmt: skip


def _customer(found: Published, subject: Subject, row: Mapping[str, object]) -> Iterator[Cell]:
    customer = str(row["customer_id"])
    yield customer
    yield str(row["as_of_date"])
    value, low, high = (
        found.number(
            f"select {column} from {subject.latest} where customer_id = {literal(customer)}", percent
        )
        for column in ("probability", "prob_lo", "prob_hi")
    )
    yield with_interval(value, low, high)
    if row["is_holdout"]:
        yield "no: holdout"
    else:
        yield "yes" if row["consent_ads"] else "no: no consent"
    reasons = [
        sentence("{} ({})", row[f"reason_{place}_sentence"], row[f"reason_{place}_direction"])
        for place in REASON_PLACES
        if row[f"reason_{place}_sentence"] is not None
    ]
    yield Markup("<br>").join(reasons) or "none"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
