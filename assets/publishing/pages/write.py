"""Write the pages beside the published tables that they describe."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from assets.connections import open_duckdb
from assets.ingest.loading.load import reject_reasons
from assets.publishing.pages.capability import capability_page
from assets.publishing.pages.content import Number, Page, Published, Section, sentence, words
from assets.publishing.pages.overview import overview
from assets.publishing.pages.quality import drift_page, quality_page
from assets.publishing.pages.subjects import Subject

INDEX = "index.html"
TEMPLATE, STYLE = (Path(__file__).with_name(name) for name in ("template.html.j2", "style.css"))
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
REPLAY = "replay_{name}.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages of one business show.

    Attributes:
        business: Its title.
        currency: Its currency.
        best_tenth: Name of its audience that ranks by expected spend.
        subjects: Every capability.
        models: Folder of the model files, which hold the model cards.
        reports: Folder of the replay pages.
    """

    business: str
    currency: str
    best_tenth: str
    subjects: tuple[Subject, ...]
    models: Path
    reports: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What every page shows beside its own content."""

    business: str
    as_of: str
    run_id: str
    pages: Sequence[Page]


def page_writer(site: Site, *, warehouse: Path) -> Callable[[Path, Path], list[Path]]:
    """Return a function that writes the pages about a snapshot file into a folder.

    Args:
        site: The business.
        warehouse: The warehouse that the snapshot was made of.
    """
    return lambda snapshot, folder: write_pages(site, snapshot=snapshot, warehouse=warehouse, folder=folder)


def write_pages(site: Site, *, snapshot: Path, warehouse: Path, folder: Path) -> list[Path]:
    """Write every page.

    Args:
        site: The business.
        snapshot: File of the published tables.
        warehouse: The warehouse, for the load log, the rejects and who was left out of an audience; nothing
            else may be writing it.
        folder: Where the pages go; created.

    Returns:
        The files, the first page first.
    """
    folder.mkdir(parents=True)
    with open_duckdb(snapshot, is_read_only=True) as connection:
        connection.execute(
            f"attach '{str(warehouse).replace(chr(39), chr(39) * 2)}' as warehouse (read_only)"
        )
        pages = _pages(site, connection)
        shown = Shown(
            business=site.business,
            as_of=_as_of(Published(connection), site),
            run_id="".join(
                Published(connection).texts("select max_by(run_id, checked_at) from published.checks")
            ),
            pages=[page for page in pages if page.name],
        )
    files = [folder / page.file for page in pages]
    for page, file in zip(pages, files, strict=True):
        file.write_text(rendered(page, shown), encoding="utf-8")
    for each in site.subjects:
        if (replay := site.reports / REPLAY.format(name=each.spec.name)).is_file():
            shutil.copyfile(replay, folder / replay.name)
    return files


def rendered(page: Page, site: Shown) -> str:
    """The HTML of ``page``; everything that is no ``Markup`` is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.tests["number_cell"] = lambda cell: isinstance(cell, Number)
    environment.tests["date_cell"] = lambda cell: isinstance(cell, str) and DATE.fullmatch(cell) is not None
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    # A style sheet of ours: nothing of the data is in it.
    style = Markup(STYLE.read_text(encoding="utf-8"))  # noqa: S704
    return template.render(page=page, site=site, style=style)


def _pages(site: Site, connection: duckdb.DuckDBPyConnection) -> list[Page]:
    found, subjects = Published(connection), site.subjects
    cards = [card for each in subjects for card in _card(found, site, each)]
    reasons = []
    if found.exists("raw", "rejects"):
        connection.execute("use warehouse")
        reasons = reject_reasons(connection)
        connection.execute(f"use {_name_of_snapshot(connection)}")
    return [
        overview(found, subjects, currency=site.currency, best_tenth=site.best_tenth, has_warehouse=True),
        *(capability_page(found, each) for each in subjects),
        quality_page(found, reasons),
        drift_page(found, subjects),
        _documents(site, subjects, cards),
        *cards,
    ]


def _name_of_snapshot(connection: duckdb.DuckDBPyConnection) -> str:
    sql = "select database_name from duckdb_databases() where not internal and database_name <> 'warehouse'"
    ((name,),) = connection.execute(sql).fetchall()
    return f'"{name}"'


def _as_of(found: Published, site: Site) -> str:
    newest = " union all ".join(f"select max(as_of_date) as day from {each.latest}" for each in site.subjects)
    days = found.texts(f"select strftime(max(day), '%A %-d %B %Y') from ({newest})")
    return days[0] if days else "no date yet"


def _card(found: Published, site: Site, subject: Subject) -> list[Page]:
    """Model card of the serving version, which is Markdown, as text."""
    versions = found.texts(f"select {subject.version}")
    file = site.models / subject.spec.name / versions[0] / "card.md" if versions else None
    if file is None or not file.is_file():
        return []
    return [
        Page(
            file=f"card_{subject.spec.name}.html",
            name="",
            title=f"Model card: {words(subject.spec.name).lower()}",
            sections=[
                Section(
                    title=versions[0], lines=[sentence("<pre>{}</pre>", file.read_text(encoding="utf-8"))]
                )
            ],
        )
    ]


def _documents(site: Site, subjects: Sequence[Subject], cards: Sequence[Page]) -> Page:
    """Links to the model cards and to the replays that there are."""
    replays = [
        sentence('<a href="{}">Replay of {}</a>', REPLAY.format(name=name), words(name).lower())
        for name in (each.spec.name for each in subjects)
        if (site.reports / REPLAY.format(name=name)).is_file()
    ]
    return Page(
        file="documents.html",
        name="Cards and replay",
        title="Model cards and replay",
        sections=[
            Section(
                title="Model cards",
                lines=[sentence('<a href="{}">{}</a>', each.file, each.title) for each in cards],
            ),
            Section(
                title="Replay: past dates as production would have run them",
                lines=replays
                or ["make replay runs past as-of dates and writes a page, which the next run links here."],
            ),
        ],
    )
