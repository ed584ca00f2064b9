"""Promote a candidate, keep the champion, fall back to the baseline, or roll back; each is logged."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from assets.features.matrix import AS_OF, LeakDetected
from assets.keys import CALIBRATION_BINS, METRICS, MODEL_REGISTRY, RETRAIN_LOG
from assets.lifecycle.canary import hold
from assets.lifecycle.capability import Data, Fit, InsufficientData, Model, TrainingRecord
from assets.lifecycle.gate import Decision, decision_columns, refused
from assets.lifecycle.realised import withhold_reason
from assets.lifecycle.report.model_card import model_card
from assets.lifecycle.run_context import RunContext
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.registry import VersionStatus, registry_row
from assets.lifecycle.training import decision_of

CARD_FILE = "card.md"
FALLBACK_SUFFIX = "-fallback"
REFERENCE_FILE = "reference.json"
BY_HAND = "by hand"
FILES_LOST = "model files are lost"
NO_OUTCOME = "the data do not suffice even for the baseline: no outcome is known yet"
# A refused candidate would be refused again on nearly the same rows, and one like a version that was rolled
# back would be promoted again; two weekly dates later there are new rows.
COOL_DOWN = timedelta(weeks=2)


class NothingToRollBackTo(Exception):
    """No other version has served before."""


def promote(run: RunContext[Data, Model]) -> ChampionVersion | None:
    """Promote the date's candidate, or keep the champion, or fall back; and log which and why.

    A champion whose files are lost is none: a candidate need not beat it, and the baseline serves meanwhile.

    Returns:
        The version that serves from the run's as-of date on; ``None`` when the data do not suffice even
        for the baseline, so that the date's scores are withheld.
    """
    row = control_tables.row_for_date(run.warehouse, run.spec.evaluation, run.as_of).iloc[0]
    serving = run.champion()
    lost = run.lost_file(serving) if serving else None
    if serving is not None and lost is None and serving.model_version == row["model_version"]:
        return serving
    fit, decision = _fit(run, row, lost=lost)
    has_champion = serving is not None and not serving.is_fallback and lost is None
    baseline = None if fit or has_champion else run.capability.baseline(run.data)
    if fit is None and not has_champion and baseline is None and serving is None:
        run.log_decision("withhold", reasons=NO_OUTCOME)
        return None
    beside = serving if fit and has_champion and _has_canary(run, serving) else None
    run.log_decision(
        "canary" if beside else decision.outcome(has_champion=has_champion),
        champion=serving.model_version if serving and has_champion else None,
        challenger=str(row["model_version"]),
        **decision_columns(decision, run.spec.compared),
    )
    if fit is not None:
        return _install(run, row, fit=fit, serving=serving, beside=beside)
    if pd.isna(row["refusal"]) and not _is_registered(run, str(row["model_version"])):
        _register_refused(run, row, decision=decision)
    if has_champion or baseline is None:
        return serving
    return _fall_back(run, baseline, serving=None if lost else serving)


def replace_lost(run: RunContext[Data, Model], serving: ChampionVersion, *, lost: Path) -> ChampionVersion:
    """Let the baseline serve in place of a version whose files are lost, and log it.

    Args:
        run: The run.
        serving: The version.
        lost: The file that is not there any more, named in the decision.

    Returns:
        The fallback; ``serving`` if the data do not suffice for one.
    """
    baseline = run.capability.baseline(run.data)
    if baseline is None:
        return serving
    reasons = f"{lost} is lost: the baseline serves until a candidate is promoted"
    run.log_decision("fallback", trigger=FILES_LOST, champion=serving.model_version, reasons=reasons)
    return _fall_back(run, baseline, serving=None)


def roll_back(run: RunContext[Data, Model], *, reason: str) -> ChampionVersion:
    """Serve again, from the run's as-of date on, with the version that served before the champion.

    Args:
        run: A run for the newest as-of date.
        reason: Reason given by the person who decides.

    Raises:
        NothingToRollBackTo: No other version has served before.
        ModelIntegrityError: The earlier version's file is not the one that was registered.
    """
    serving = run.champion()
    before = _version_before(run, serving) if serving else None
    if serving is None or before is None:
        raise NothingToRollBackTo(f"no version of {run.spec.name} served before the one that serves now")
    # Refused here rather than on the next date: a rollback is made in a hurry.
    run.load_model(before.model_version, sha256=before.model_sha256)
    control_tables.forget_later_champions(run.spec.champion, run.warehouse, after=run.as_of)
    versions = {"champion": serving.model_version, "challenger": before.model_version}
    run.log_decision("rollback", trigger=BY_HAND, reasons=reason, **versions)
    return _set_champion(run, replace(before, as_of_date=run.as_of))


def rolled_back_at(run: RunContext[Data, Model]) -> pd.DataFrame:
    """Versions that were rolled back up to the run's date: ``version`` and ``as_of_date``, newest first."""
    return run.warehouse.read(
        f"select champion as version, {AS_OF} from {RETRAIN_LOG.sql} "
        f"where model_name = $name and decision = 'rollback' and {AS_OF} <= $as_of order by {AS_OF} desc",
        {"name": run.spec.name, "as_of": run.as_of},
    )


def _fit(
    run: RunContext[Data, Model], row: pd.Series, *, lost: Path | None
) -> tuple[Fit[Model] | None, Decision]:
    """The promoted candidate fitted on everything known; no model when it may not be promoted."""
    decision = decision_of(run, row)
    if lost:
        decision = replace(decision, reasons=(f"{lost} is lost", *decision.reasons))
    paused = _paused(run, str(row["model_version"]))
    if decision.promote and paused:
        decision = refused(paused)
    if not decision.promote:
        return None, decision
    params: Mapping[str, Any] = json.loads(row["params"])
    try:
        return run.capability.fit(run.data, params=params, champion=run.load_champion()), decision
    except (InsufficientData, LeakDetected) as refusal:
        return None, refused(f"passed the gate, but could not be fitted on the newest rows: {refusal}")


def _paused(run: RunContext[Data, Model], version: str) -> str:
    """Reason against any promotion after a rollback; empty when promotion is allowed."""
    rolled_back = rolled_back_at(run)
    if version in set(rolled_back["version"]):
        return f"{version} was rolled back, and a rolled-back version is not promoted again"
    if run.spec.retrain == "on_trigger" or rolled_back.empty:
        return ""
    newest = pd.Timestamp(rolled_back[AS_OF].iloc[0]).date()
    if run.as_of - newest >= COOL_DOWN:
        return ""
    return f"promotion is paused until {newest + COOL_DOWN} after the rollback on {newest}"


def _has_canary(run: RunContext[Data, Model], serving: ChampionVersion | None) -> bool:
    """Whether a promoted version scores beside ``serving`` first: not beside one that is withheld."""
    is_asked = run.has_canary and run.spec.canary_score is not None
    return is_asked and serving is not None and withhold_reason(run, serving.model_version) is None


def _install(
    run: RunContext[Data, Model],
    row: pd.Series,
    *,
    fit: Fit[Model],
    serving: ChampionVersion | None,
    beside: ChampionVersion | None,
) -> ChampionVersion:
    """Store the fitted candidate, register it with its card, and let it serve, or score ``beside``."""
    version = str(row["model_version"])
    reference = run.capability.drift_reference(fit.model, run.data)
    if reference is not None:
        (run.folder(version) / REFERENCE_FILE).write_text(reference.to_json(), encoding="utf-8")
    champion = ChampionVersion(
        as_of_date=run.as_of,
        model_version=version,
        quality_grade=str(row["quality_grade"]),
        is_fallback=False,
        model_sha256=run.save(fit.model, version),
        vintage_hashes=None if pd.isna(row["vintage_hashes"]) else str(row["vintage_hashes"]),
        params=str(row["params"]),
    )
    status = VersionStatus(
        **_shared_status(row),
        stage="challenger" if beside else "champion",
        model_sha256=champion.model_sha256,
        promoted_by=f"gate, run {run.run_id}",
        supersedes=serving.model_version if serving else None,
    )
    _register(run, fit.record, status, decision=decision_of(run, row))
    if beside:
        hold(run, champion, serving=beside)
        return beside
    return _set_champion(run, champion)


def _is_registered(run: RunContext[Data, Model], version: str) -> bool:
    """Whether ``version`` is registered with a model: it served before it was rolled back."""
    rows = run.warehouse.read(
        f"select 1 from {MODEL_REGISTRY.sql} where model_version = $version and model_sha256 is not null",
        {"version": version},
    )
    return not rows.empty


def _shared_status(row: pd.Series) -> dict[str, Any]:
    version = str(row["model_version"])
    return {
        "model_version": version,
        "trained_at": row["trained_at"].to_pydatetime(),
        "quality_grade": str(row["quality_grade"]),
        "code_hash": str(row["code_hash"]),
        "data_hash": str(row["data_hash"]),
        "card_uri": f"{version}/{CARD_FILE}",
    }


def _register_refused(run: RunContext[Data, Model], row: pd.Series, *, decision: Decision) -> None:
    record = run.capability.record(run.data, params=json.loads(row["params"]))
    _register(run, record, VersionStatus(**_shared_status(row), stage="refused"), decision=decision)


def _register(
    run: RunContext[Data, Model], record: TrainingRecord, status: VersionStatus, *, decision: Decision
) -> None:
    """Write the version's registry row and its model card."""
    row = _write_registry_row(run, record, status)
    metrics, bins = (
        control_tables.rows_of_version(run.warehouse, key, status.model_version)
        for key in (METRICS, CALIBRATION_BINS)
    )
    text = model_card(run.capability, row, decision=decision, metrics=metrics, bins=bins)
    (run.folder(status.model_version) / CARD_FILE).write_text(text, encoding="utf-8")


def _write_registry_row(
    run: RunContext[Data, Model], record: TrainingRecord, status: VersionStatus
) -> pd.DataFrame:
    row = registry_row(run.spec, record, status)
    run.warehouse.replace_partition(MODEL_REGISTRY, row, column="model_version", value=status.model_version)
    return row


def _fall_back(
    run: RunContext[Data, Model], baseline: Fit[Model], *, serving: ChampionVersion | None
) -> ChampionVersion:
    version = f"{run.version}{FALLBACK_SUFFIX}"
    if serving is not None and serving.model_version == version:
        return serving
    sha256 = run.save(baseline.model, version)
    status = VersionStatus(
        model_version=version,
        stage="champion",
        trained_at=run.now,
        quality_grade=run.spec.fallback_grade.name,
        code_hash=run.code_hash,
        data_hash=run.data_hash,
        model_sha256=sha256,
    )
    _write_registry_row(run, baseline.record, status)
    fallback = ChampionVersion(
        as_of_date=run.as_of,
        model_version=version,
        quality_grade=run.spec.fallback_grade.name,
        is_fallback=True,
        model_sha256=sha256,
    )
    return _set_champion(run, fallback)


def _set_champion(run: RunContext[Data, Model], champion: ChampionVersion) -> ChampionVersion:
    control_tables.set_champion(run.spec.champion, run.warehouse, name=run.spec.name, champion=champion)
    return champion


def _version_before(run: RunContext[Data, Model], serving: ChampionVersion) -> ChampionVersion | None:
    rows = run.warehouse.read(
        f"select max({AS_OF}) as day from {run.spec.champion.sql} "
        f"where {AS_OF} < $since and model_version <> $version and not is_fallback",
        {"since": serving.as_of_date, "version": serving.model_version},
    )
    day = rows["day"].iloc[0]
    return None if pd.isna(day) else run.champion(as_of=pd.Timestamp(day).date())
