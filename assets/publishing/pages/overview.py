"""The first page: what is expected, how sure it is, who may be contacted, what changed."""

from collections.abc import Iterator, Sequence

from assets.ingest.parsing.sql import literal
from assets.publishing.pages.content import (
    Cell,
    Page,
    Published,
    Section,
    Table,
    badge,
    percent,
    sentence,
    words,
)
from assets.publishing.pages.probability import total_card
from assets.publishing.pages.reasons import top_customers
from assets.publishing.pages.subjects import Subject, grade_of
from assets.publishing.pages.value import horizons, is_summable, value_card

AUDIENCE_REASONS = {
    "no_consent": "{} have not consented to advertising",
    "held_out": "{} are in the holdout, so that the effect can be measured",
    "capped": "{} are beyond the largest audience",
}


def overview(
    found: Published, subjects: Sequence[Subject], *, currency: str, best_tenth: str, has_warehouse: bool
) -> Page:
    """The first page.

    Args:
        found: The published tables.
        subjects: Every capability.
        currency: Of the business.
        best_tenth: Name of the audience that ranks by expected spend.
        has_warehouse: Whether the warehouse, which knows who was left out of an audience, is attached.
    """
    cards = [total_card(found, each) for each in subjects if each.kind == "probability"]
    cards += [
        value_card(found, each, days)
        for each in subjects
        if each.kind == "value"
        for days in horizons(found, each)
    ]
    return Page(
        file="index.html",
        name="Overview",
        title="What to expect from customers",
        sections=[
            Section(title="Expected", cards=cards),
            _capabilities(found, subjects),
            *_audiences(
                found, subjects, currency=currency, best_tenth=best_tenth, has_warehouse=has_warehouse
            ),
            _changes(found, [each for each in subjects if each.kind == "probability"]),
            *(top_customers(found, each) for each in subjects if each.kind == "probability"),
            _checks(found),
        ],
    )


def _capabilities(found: Published, subjects: Sequence[Subject]) -> Section:
    rows = list[list[Cell]]()
    for each in subjects:
        grade, meaning = grade_of(found, each)
        link = sentence('<a href="{}">{}</a>', each.file, each.spec.question)
        rows.append([link, badge(grade) if grade else "none", meaning or "No version serves yet."])
    return Section(
        title="How far to trust it",
        table=Table(headings=["Question", "Grade", "What the grade means"], rows=rows),
    )


def _audiences(
    found: Published, subjects: Sequence[Subject], *, currency: str, best_tenth: str, has_warehouse: bool
) -> Iterator[Section]:
    names = found.texts("select distinct audience from published.audiences order by 1")
    newest = "as_of_date = (select max(as_of_date) from published.audiences)"
    for name in names:
        where = f"from published.audiences where audience = {literal(name)} and {newest}"
        rule = "the best tenth by expected spend" if name == best_tenth else "its rule in the YAML"
        members = found.number(f"select count(*) {where}")
        lines = [
            sentence("{} customers: those of {} who may be contacted.", members, rule),
            *(_worth(found, subjects, where, currency) if name == best_tenth else ()),
            *_left_out(found, name, has_warehouse=has_warehouse),
            f"make audience AUDIENCE={name} SEND=yes writes them as hashed files for upload.",
        ]
        yield Section(title=f"Audience: {words(name).lower()}", lines=lines)
    if not names:
        yield Section(
            title="Audience",
            lines=[
                "No audience: nobody is scored, or nobody among the best tenth has consented to advertising.",
                *_left_out(found, None, has_warehouse=has_warehouse),
            ],
        )


def _worth(found: Published, subjects: Sequence[Subject], where: str, currency: str) -> Iterator[Cell]:
    """What an audience ranked by expected spend brings, unless the amounts may not be added up."""
    if all(is_summable(found, each, "30") for each in subjects if each.kind == "value"):
        worth = found.number(f"select sum(value) {where}")
        yield sentence("Together they are expected to spend {} {} in 30 days.", worth, currency)


def _left_out(found: Published, audience: str | None, *, has_warehouse: bool) -> Iterator[Cell]:
    if not has_warehouse or not found.exists("ml", "audiences"):
        return
    where = (
        "from warehouse.ml.audiences where as_of_date = (select max(as_of_date) from warehouse.ml.audiences)"
    )
    if audience is not None:
        where += f" and audience = {literal(audience)}"
    reasons = found.texts(f"select distinct suppress_reason {where} order by 1")
    parts = [
        sentence(
            AUDIENCE_REASONS.get(reason, f"{{}} for the reason {reason}"),
            found.number(f"select count(*) {where} and suppress_reason = {literal(reason)}"),
        )
        for reason in reasons
    ]
    if parts:
        total = found.number(f"select count(*) {where}")
        yield sentence("Of {} candidates some are left out: {}.", total, sentence("; ").join(parts))


def _changes(found: Published, subjects: Sequence[Subject]) -> Section:
    """Totals of the newest as-of date beside those of the one before, and who entered or left an audience."""
    rows = list[list[Cell]]()
    for each in subjects:
        days = found.texts(
            f"select as_of_date from published.prediction_totals where model_name = {each.name} "
            "order by 1 desc limit 2"
        )
        if len(days) < 2:
            continue
        of = f"from published.prediction_totals where model_name = {each.name} and as_of_date ="
        before, now = (found.number(f"select expected_positives {of} '{day}'") for day in days[::-1])
        change = found.number(
            f"select (select expected_positives {of} '{days[0]}') / "
            f"(select expected_positives {of} '{days[1]}') - 1",
            percent,
        )
        rows.append([words(each.spec.name), days[1], before, days[0], now, change])
    return Section(
        title="What changed",
        lines=list(_audience_changes(found)),
        table=Table(
            headings=["Capability", "Before", "Expected", "Now", "Expected", "Change"],
            rows=rows,
            empty="This is the first as-of date; the next run compares with it.",
        ),
    )


def _audience_changes(found: Published) -> Iterator[Cell]:
    days = found.texts("select distinct as_of_date from published.audiences order by 1 desc limit 2")
    if len(days) < 2:
        return
    now, before = (
        f"select audience, customer_id from published.audiences where as_of_date = '{day}'" for day in days
    )
    yield sentence(
        "Since {}, {} customers entered an audience and {} left one.",
        days[1],
        found.number(f"select count(*) from ({now} except {before})"),
        found.number(f"select count(*) from ({before} except {now})"),
    )


def _checks(found: Published) -> Section:
    newest = "run_id = (select max_by(run_id, checked_at) from published.checks)"
    passed, failed, missing = (
        found.number(f"select count(*) from published.checks where {newest} and status = '{status}'")
        for status in ("passed", "failed", "not_run")
    )
    return Section(
        title="Checks",
        lines=[
            sentence(
                "{} checks passed, {} failed, {} did not run in the run that published this.",
                passed,
                failed,
                missing,
            ),
            sentence('<a href="quality.html">Rows, rejects and every failed check</a>'),
        ],
    )
