"""Score the cohort of an as-of date with the version that serves, or withhold the scores."""

from typing import Any

import pandas as pd

from assets.features.matrix import AS_OF
from assets.keys import METRICS, id_type
from assets.lifecycle.canary import decide, pending
from assets.lifecycle.capability import (
    Data,
    MetricKey,
    Model,
    NothingToScore,
    NoVersionServes,
    ScoreTable,
)
from assets.lifecycle.cohort import (
    INELIGIBLE,
    WITHHELD_SLICE,
    add_ineligible_rows,
    ineligible_rows,
    load_cohort,
)
from assets.lifecycle.promotion import replace_lost
from assets.lifecycle.realised import withhold_reason
from assets.lifecycle.report.grade import DO_NOT_USE
from assets.lifecycle.run_context import RunContext, score_types
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.schemas import TEXT, typed

CALIBRATION_FAILED = "published scores do not match outcomes"
ESTIMATED = "estimated"


def score(run: RunContext[Data, Model]) -> pd.DataFrame | None:
    """Score everyone in the cohort, and write the date's rows and side tables.

    A version whose published scores do not match their outcomes scores nothing more: the rows published
    before are served on, and their status says that newer ones were withheld. When nobody may be scored, the
    rows hold the reason and nothing else, and replace the scores that the date had before. In place of a
    version whose files are lost the baseline scores. A canary scores beside the version that serves.

    Returns:
        The date's rows of the score table; ``None`` when they were withheld.

    Raises:
        NoVersionServes: No version serves although outcomes are known.
        NothingToScore: The capability has no row to score, though somebody may be scored.
        ModelIntegrityError: The version's file is not the one that was registered.
    """
    run.prepare()
    serving = run.champion()
    if serving is None:
        _refuse_unless_withheld(run)
        return None
    if lost := run.lost_file(serving):
        serving = replace_lost(run, serving, lost=lost)
    if _is_withheld(run, serving):
        return None
    table = _scored_or_ineligible(run, serving)
    rows = _finished(run, serving, table.rows)
    run.warehouse.replace_partition(run.spec.scores, rows, column=AS_OF, value=run.as_of)
    for key, side in table.side_tables.items():
        if key == METRICS:
            control_tables.replace_metrics(run.warehouse, key, side)
        else:
            run.capability.write_side_table(run.warehouse, key, side, as_of=run.as_of)
    canary = pending(run, serving)
    if canary is not None and rows["is_eligible"].any():
        beside = _finished(run, canary, compute_scores(run, canary).rows)
        decide(run, canary, serving=serving, published=rows, beside=beside)
    return rows


def _scored_or_ineligible(run: RunContext[Data, Model], serving: ChampionVersion) -> ScoreTable:
    """The date's scores by ``serving``; with nobody to score, the rows of everyone who may not be scored."""
    spec = run.spec
    if spec.subject and spec.cohort:
        cohort = load_cohort(spec, run.warehouse, as_of=run.as_of)
        if cohort[INELIGIBLE].notna().all():
            return ScoreTable(
                rows=ineligible_rows(spec, cohort), side_tables=run.capability.side_tables_of_nobody()
            )
    return compute_scores(run, serving)


def compute_scores(run: RunContext[Data, Model], serving: ChampionVersion) -> ScoreTable:
    """The date's rows and side tables by ``serving``; nothing is written.

    Raises:
        NothingToScore: There is nobody to score.
        ModelIntegrityError: The version's file is not the one that was registered.
    """
    capability = run.capability
    model = run.load_model(serving.model_version, sha256=serving.model_sha256)
    state = capability.serving_state(model, run.data)
    batches = capability.rows_to_score(run.warehouse, as_of=run.as_of)
    parts = [capability.score(model, batch, state) for batch in batches]
    if not parts:
        raise NothingToScore(f"{run.spec.name} has no row to score on {run.as_of}")
    scored = pd.concat(parts, ignore_index=True)
    key = MetricKey(
        model_name=run.spec.name,
        model_version=serving.model_version,
        split=ESTIMATED,
        as_of_date=run.as_of,
    )
    return capability.complete(scored, data=run.data, state=state, key=key)


def _finished(run: RunContext[Data, Model], serving: ChampionVersion, rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` with provenance, status, consent and the rows of people who may not be scored."""
    spec = run.spec
    rows = rows.assign(**{AS_OF: pd.Timestamp(run.as_of)})
    own: dict[str, Any] = {
        "is_eligible": True,
        "ineligible_reason": None,
        "model_version": serving.model_version,
    }
    rows = rows.assign(**{name: value for name, value in own.items() if name not in rows.columns})
    rows = _with_status(rows, serving)
    if spec.subject is not None and spec.cohort is not None:
        rows = add_ineligible_rows(spec, rows, load_cohort(spec, run.warehouse, as_of=run.as_of))
    rows = rows.assign(scored_at=run.now, run_id=run.run_id, model_name=spec.name)
    if spec.subject is not None:
        rows = rows.assign(id_type=id_type(spec.subject, rows[spec.subject]))
    types = score_types(spec)
    missing: dict[str, Any] = {name: None for name in types if name not in rows.columns}
    return typed(rows.assign(**missing), types)


def _with_status(rows: pd.DataFrame, serving: ChampionVersion) -> pd.DataFrame:
    """``rows`` with status and grade of ``serving`` where they have none of their own.

    Rows of a rule with a version of its own stay without; those of a withheld slice have nothing to act on.
    """
    is_serving = rows["model_version"].isin((serving.model_version,))
    is_withheld = rows[INELIGIBLE].astype("string").str.startswith(WITHHELD_SLICE).fillna(False).astype(bool)
    known = {
        "status": ("fallback_model" if serving.is_fallback else "ok", "withheld_by_gate"),
        "quality_grade": (serving.quality_grade, DO_NOT_USE.name),
    }
    filled = {
        name: pd.Series(value, index=rows.index, dtype=TEXT).where(is_serving).mask(is_withheld, withheld)
        for name, (value, withheld) in known.items()
        if name not in rows.columns
    }
    return rows.assign(**filled)


def _refuse_unless_withheld(run: RunContext[Data, Model]) -> None:
    name = run.spec.name
    if control_tables.withheld_reason(name, run.warehouse, as_of=run.as_of) is None:
        raise NoVersionServes(
            f"no version of {name} serves on {run.as_of}, and scoring trains none: launch "
            "predict_and_publish for that date or an earlier one, then launch this job again"
        )


def _is_withheld(run: RunContext[Data, Model], serving: ChampionVersion) -> bool:
    """Whether the published scores of ``serving`` have defects; then its scores are withheld, and logged."""
    defects = withhold_reason(run, serving.model_version)
    if defects is None:
        return False
    version = serving.model_version
    run.log_decision("withhold", trigger=CALIBRATION_FAILED, champion=version, reasons=defects)
    return True
