"""The third step of a morning: who serves from now on, logged with the reasons."""

from dataclasses import asdict, replace
from datetime import date

from assets import ASSETS
from assets.keys import MODEL_REGISTRY
from assets.lifecycle.gate import decision_row_without_comparison, retrain_row
from assets.lifecycle.report.grade import FALLBACK
from assets.lifecycle.report.model_card import card
from assets.lifecycle.run_context import Morning
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import (
    TrainingRecord,
    VersionStatus,
    code_hash,
    data_hash,
    registry_row,
    save_version,
)
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.schemas import CHAMPION_TYPES, typed
from assets.lifecycle.training import Judgement, judgement, split_of
from assets.supervised.data.drift_reference import keep_reference
from assets.supervised.evaluation.walk_forward import fallback, fit_calibrated, version_name
from assets.supervised.fitting.train import Fitted, usable_features

CARD_FILE = "card.md"


def champion(morning: Morning) -> ChampionVersion | None:
    """Promote the morning's candidate, or keep the champion, or fall back; and log which and why.

    Returns:
        The version that serves this morning; ``None`` when no outcome is known yet, so that even the
        fallback has nothing to say and the morning's scores are withheld.
    """
    judged = judgement(morning)
    serves = control_tables.champion_as_of(morning.problem, morning.warehouse, as_of=morning.as_of)
    if serves is not None and serves.model_version == judged.version:
        return serves
    if serves is None and len(morning.rows.labelled) == 0:
        _withhold(morning)
        return None
    _log(morning, judged, serves=serves)
    if judged.decision.promote:
        return _promoted(morning, judged, serves=serves)
    if judged.evaluation is not None:
        refused = VersionStatus(
            model_version=judged.version, stage="refused", quality_grade=judged.grade.name, promoted_by=None
        )
        _register(morning, judged, standing=refused, sha256=None)
    if serves is not None and not serves.is_fallback:
        return serves
    return _fallen_back(morning, serves=serves)


def _log(morning: Morning, judged: Judgement, *, serves: ChampionVersion | None) -> None:
    # A fallback is nobody's champion: refusing a candidate beside it falls back again.
    champion = serves.model_version if serves is not None and not serves.is_fallback else None
    attempt = morning.attempt(champion=champion, challenger=judged.version)
    control_tables.log_decision(morning.warehouse, retrain_row(attempt, judged.decision))


def _withhold(morning: Morning) -> None:
    reasons = (
        f"no as-of day before {morning.as_of} has an outcome yet: a day needs "
        f"{morning.problem.horizon_days} days behind it, so not even a base rate can be said"
    )
    attempt = morning.attempt(champion=None, challenger=None)
    control_tables.log_decision(
        morning.warehouse, decision_row_without_comparison(attempt, "withhold", reasons=reasons)
    )


def _promoted(morning: Morning, judged: Judgement, *, serves: ChampionVersion | None) -> ChampionVersion:
    fitted = fit_calibrated(morning.problem, morning.rows.labelled)
    keep_reference(morning.problem, fitted, rows=morning.rows, folder=morning.folder(judged.version))
    promoted = ChampionVersion(
        as_of_date=morning.as_of,
        model_version=judged.version,
        quality_grade=judged.grade.name,
        is_fallback=False,
        model_sha256=save_version(morning.folder(judged.version), fitted),
        twin_hashes=str(judged.proposed["twin_hashes"].iloc[0]),
    )
    standing = VersionStatus(
        model_version=promoted.model_version,
        stage="champion",
        quality_grade=promoted.quality_grade,
        promoted_by=f"gate, run {morning.run_id}",
        supersedes=serves.model_version if serves else None,
    )
    _register(morning, judged, standing=standing, sha256=promoted.model_sha256)
    return set_champion(morning, promoted)


def _register(morning: Morning, judged: Judgement, *, standing: VersionStatus, sha256: str | None) -> None:
    """Write the version's registry row and its card."""
    proposed = judged.proposed.iloc[0]
    file = morning.folder(judged.version) / CARD_FILE
    trained = TrainingRecord(
        trained_at=proposed["trained_at"].to_pydatetime(),
        split=split_of(morning),
        features=usable_features(morning.problem, morning.rows.labelled.features),
        n_rows=int(proposed["n_rows"]),
        n_positive=int(proposed["n_positive"]),
        code_hash=str(proposed["code_hash"]),
        data_hash=str(proposed["data_hash"]),
        model_sha256=sha256,
        calibration_method=str(proposed["calibration_method"]),
    )
    row = registry_row(
        morning.problem, trained, standing=replace(standing, card_uri=f"{judged.version}/{CARD_FILE}")
    )
    control_tables.write_once(morning.warehouse, MODEL_REGISTRY, row, version=judged.version)
    text = card(
        morning.problem,
        row,
        evaluation=judged.evaluation,
        decision=judged.decision,
        grade=judged.grade,
    )
    file.write_text(text, encoding="utf-8")


def _fallen_back(morning: Morning, *, serves: ChampionVersion | None) -> ChampionVersion:
    rows = morning.rows
    hashes = (data_hash(rows.labelled), code_hash(ASSETS), morning.problem.spec_hash)
    version = f"{version_name(morning.as_of, *hashes)}-fallback"
    if serves is not None and serves.model_version == version:
        return serves
    fitted = fallback(morning.problem, rows)
    sha256 = save_version(morning.folder(version), fitted)
    _register_fallback(morning, fitted, version=version, sha256=sha256)
    serves = ChampionVersion(
        as_of_date=morning.as_of,
        model_version=version,
        quality_grade=FALLBACK.name,
        is_fallback=True,
        model_sha256=sha256,
        twin_hashes=None,
    )
    return set_champion(morning, serves)


def _register_fallback(morning: Morning, fitted: Fitted, *, version: str, sha256: str) -> None:
    known = morning.rows.labelled
    trained = TrainingRecord(
        trained_at=morning.now,
        split=None,
        features=(morning.problem.recency,),
        n_rows=len(known),
        n_positive=known.positives,
        code_hash=code_hash(ASSETS),
        data_hash=data_hash(known),
        model_sha256=sha256,
        calibration_method=fitted.method,
    )
    standing = VersionStatus(model_version=version, stage="champion", quality_grade=FALLBACK.name)
    row = registry_row(morning.problem, trained, standing=standing)
    control_tables.write_once(morning.warehouse, MODEL_REGISTRY, row, version=version)


def set_champion(morning: Morning, serves: ChampionVersion) -> ChampionVersion:
    """From this morning on ``serves`` scores; returns it."""
    row = typed([{"model_name": morning.problem.name, **asdict(serves)}], CHAMPION_TYPES)
    control_tables.replace_row(morning.warehouse, morning.problem.champion, row, as_of=morning.as_of)
    # A morning of the past may be lived late: the champion of the registry is the newest morning's.
    newest = control_tables.champion_as_of(morning.problem, morning.warehouse, as_of=date.max)
    if newest is not None:
        control_tables.set_stage(morning.warehouse, morning.problem.name, version=newest.model_version)
    return serves
