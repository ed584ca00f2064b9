"""Pages about the data: rows, rejects and checks, and drift by our own verdicts."""

from collections.abc import Iterator, Sequence
from datetime import date

from assets.ingest.loading.load import RejectReason
from assets.ingest.parsing.sql import literal
from assets.publishing.pages.charts import Bar, bars
from assets.publishing.pages.content import (
    Cell,
    Number,
    Page,
    Published,
    Section,
    Table,
    badge,
    decimal,
    percent,
    sentence,
    short,
    words,
)
from assets.publishing.pages.subjects import Subject

SHOWN_REASONS = 20
SHOWN_FEATURES = 25
NEWEST_RUN = "run_id = (select max_by(run_id, checked_at) from published.checks)"
USES = (
    "select name, state, details from published.usability_report where step = 'capability' "
    "and state <> 'not_built'"
)
JUDGED = (
    "{} of {} features are judged drifted: further from the training window than chance and season explain, "
    "on several as-of dates."
)
VERDICTS = "verdict = 'drifted'"


def quality_page(found: Published, reasons: Sequence[RejectReason]) -> Page:
    """Rows and rejects by source, checks, and what each capability lacks.

    Args:
        found: The published tables; with the load log of the warehouse where that is attached.
        reasons: Reasons of rejected rows.
    """
    return Page(
        file="quality.html",
        name="Data quality",
        title="Data quality",
        sections=[
            _sources(found),
            _rejects(reasons),
            _checks(found),
            Section(
                title="What the data can carry",
                table=Table(
                    headings=["Use", "State", "Details"],
                    rows=[
                        [
                            words(str(row["name"])),
                            badge(str(row["state"]).replace("_", " ")),
                            str(row["details"]),
                        ]
                        for row in found.rows(USES)
                    ],
                ),
            ),
        ],
    )


def _sources(found: Published) -> Section:
    if not found.exists("raw", "load_log"):
        return Section(title="Rows", lines=["Nothing has been loaded."])
    log = "from warehouse.raw.load_log"

    def cells(source: str) -> Iterator[Cell]:
        own = f"{log} where source = {literal(source)}"
        yield source
        yield "".join(found.texts(f"select any_value(table_name) {own}"))
        yield found.number(f"select count(*) {own}")
        yield from (
            found.number(f"select sum({column}) {own}")
            for column in ("rows_in", "rows_loaded", "rows_left_out", "rows_rejected")
        )
        yield found.number(f"select sum(rows_rejected) / nullif(sum(rows_in), 0) {own}", percent)

    names = found.texts(f"select source {log} group by 1 order by min(rowid)")
    return Section(
        title="Rows by source",
        table=Table(
            headings=["Source", "Raw table", "Files", "Rows in", "Loaded", "Left out", "Rejected", "Share"],
            rows=[list(cells(name)) for name in names],
        ),
    )


def _rejects(reasons: Sequence[RejectReason]) -> Section:
    return Section(
        title="Why rows were rejected",
        lines=["Values are masked; the rows themselves are in raw.rejects of the warehouse."],
        table=Table(
            headings=["Source", "Rows", "Reason", "Remedy"],
            rows=[
                [each.source, f"{each.rows:,}", each.reason, f"map {each.remedy}" if each.remedy else ""]
                for each in reasons[:SHOWN_REASONS]
            ],
            empty="No row was rejected.",
        ),
    )


def _checks(found: Published) -> Section:
    statuses = found.rows(
        f"select status, severity from published.checks where {NEWEST_RUN} group by all order by all"
    )
    counted = [
        sentence(
            "{} {} ({}).",
            found.number(
                f"select count(*) from published.checks where {NEWEST_RUN} "
                f"and status = {literal(str(row['status']))} and severity = {literal(str(row['severity']))}"
            ),
            str(row["status"]).replace("_", " "),
            {"error": "blocking", "warning": "warnings"}.get(str(row["severity"]), "of unknown kind"),
        )
        for row in statuses
    ]
    return Section(title="Checks", lines=counted, table=_failed_checks(found))


def _failed_checks(found: Published) -> Table:
    failed = found.rows(
        f"select status, check_name, asset, reason from published.checks where {NEWEST_RUN} "
        "and status <> 'passed' order by status, check_name, asset"
    )
    rows = [
        [
            badge(str(row["status"]).replace("_", " ")),
            str(row["check_name"]).replace("_", " "),
            str(row["asset"]),
            str(row["reason"]),
        ]
        for row in failed
    ]
    return Table(headings=["Status", "Check", "On", "Reason"], rows=rows, empty="Every check passed.")


def drift_page(found: Published, subjects: Sequence[Subject]) -> Page:
    """Drift of the cohort against the year the serving version was trained on, by our own verdicts.

    Args:
        found: The published tables.
        subjects: Every capability.
    """
    sections = [section for each in subjects for section in _drift(found, each)]
    nothing = Section(
        title="Not measured yet",
        lines=[
            "Drift is measured from the second as-of date on, against the data that the serving version "
            "was trained on."
        ],
    )
    return Page(
        file="drift.html", name="Drift", title="Have the customers changed?", sections=sections or [nothing]
    )


def _drift(found: Published, subject: Subject) -> Iterator[Section]:
    days = found.texts(f"select max(as_of_date) from published.drift where model_name = {subject.name}")
    if not days:
        return
    where = (
        f"from published.drift where model_name = {subject.name} and slice_name = 'all' "
        f"and as_of_date = '{date.fromisoformat(days[0][:10])}'"
    )
    order = f"{where} order by psi - psi_noise desc nulls last, feature limit {SHOWN_FEATURES}"
    rows = [_drift_of(found, where, feature) for feature in found.texts(f"select feature {order}")]
    shown = [Bar(label=name, part=psi, note=f" ({verdict})") for name, verdict, psi, *_ in rows]
    drifted = found.number(f"select count(*) {where} and {VERDICTS}")
    total = found.number(f"select count(*) {where}")
    yield Section(
        title=f"{words(subject.spec.name)}, {days[0][:10]}",
        lines=[sentence(JUDGED, drifted, total)],
        chart=bars(shown) if shown else None,
        table=Table(
            headings=["Feature", "Verdict", "Distance (PSI)", "By chance", "Missing, change", "Dates beyond"],
            rows=[[feature, badge(verdict), *numbers] for feature, verdict, *numbers in rows],
        ),
    )


def _drift_of(found: Published, where: str, feature: str) -> tuple[str, str, Number, Number, Number, Number]:
    """One feature: verdict, distance, distance by chance, change of missing values, dates beyond."""
    own = f"{where} and feature = {literal(feature)}"
    return (
        feature,
        "".join(found.texts(f"select any_value(verdict) {own}")),
        found.number(f"select any_value(psi) {own}", decimal),
        found.number(f"select any_value(psi_noise) {own}", decimal),
        found.number(f"select any_value(missing_delta) {own}", percent),
        found.number(f"select any_value(windows_violated) {own}", short),
    )
