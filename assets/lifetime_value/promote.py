"""The second step of a morning: which version serves from now on, logged with the reasons."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

import pandas as pd

from assets.keys import CALIBRATION_BINS, METRICS, MODEL_REGISTRY
from assets.lifecycle.gate import Decision, refused, retrain_row
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import Stage, library_versions, save_model
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.metric_lookup import has, overall
from assets.lifecycle.store.schemas import CHAMPION_TYPES, REGISTRY_TYPES, typed
from assets.lifetime_value.backtest import REFUSALS, fit_candidate_models
from assets.lifetime_value.card import card
from assets.lifetime_value.grade import FALLBACK
from assets.lifetime_value.judge import COMPARED_BY
from assets.lifetime_value.models.baseline import SpendRate
from assets.lifetime_value.models.candidates import CustomerValue
from assets.lifetime_value.propose import ValueMorning
from assets.lifetime_value.score_rows import Model

CARD_FILE = "card.md"
FORMULA = "naive formula"


def champion(morning: ValueMorning) -> ChampionVersion:
    """Promote the morning's best recipe, or keep the champion, or fall back; and log which and why.

    Returns:
        The version that serves this morning.
    """
    judged = control_tables.row_for_date(morning.warehouse, morning.problem.evaluation, morning.as_of).iloc[0]
    serves = control_tables.champion_as_of(morning.problem, morning.warehouse, as_of=morning.as_of)
    if serves is not None and serves.model_version == judged["model_version"]:
        return serves
    model, decision = _fitted(morning, judged)
    _log(morning, judged, serves=serves, decision=decision)
    if model is not None:
        return _promoted(morning, judged, model=model, serves=serves)
    if not pd.isna(judged["recipe"]):
        _register(morning, judged, stage="refused", facts={"model_sha256": None})
    if serves is not None and not serves.is_fallback:
        return serves
    return _fallen_back(morning, judged)


def decision_of(morning: ValueMorning, judged: pd.Series) -> Decision:
    """What was decided of the morning's best recipe, from the tables."""
    metrics = control_tables.rows_of_version(morning.warehouse, METRICS, str(judged["model_version"]))
    against = {
        rival: overall(metrics, name) if has(metrics, name) else None
        for rival, name in (
            ("against_naive", f"{COMPARED_BY}_difference"),
            ("against_champion", f"champion_{COMPARED_BY}_difference"),
        )
    }
    return Decision(
        promote=bool(judged["is_promotable"]),
        reasons=(str(judged["reasons"]),),
        faults=() if pd.isna(judged["faults"]) else (str(judged["faults"]),),
        **against,
    )


def _fitted(morning: ValueMorning, judged: pd.Series) -> tuple[CustomerValue | None, Decision]:
    """The recipe on everything known today; no model when it may not be promoted."""
    decision = decision_of(morning, judged)
    if not decision.promote:
        return None, decision
    try:
        model = fit_candidate_models(
            morning.problem, morning.warehouse, morning.cohort, recipe=judged["recipe"]
        )
    except REFUSALS as refusal:
        return None, refused(f"promoted by its back-test, but not fitted today: {refusal}")
    return model, decision


def _log(
    morning: ValueMorning, judged: pd.Series, *, serves: ChampionVersion | None, decision: Decision
) -> None:
    # A fallback is nobody's champion: refusing a candidate beside it falls back again.
    before = serves.model_version if serves is not None and not serves.is_fallback else None
    attempt = morning.attempt(champion=before, challenger=str(judged["model_version"]))
    control_tables.log_decision(morning.warehouse, retrain_row(attempt, decision, compared_by=COMPARED_BY))


def _promoted(
    morning: ValueMorning, judged: pd.Series, *, model: CustomerValue, serves: ChampionVersion | None
) -> ChampionVersion:
    version = str(judged["model_version"])
    sha256 = save_model(morning.folder(version), model, facts={"recipe": model.recipe})
    facts = {
        "model_sha256": sha256,
        "params": parameters(model),
        "promoted_by": f"gate, run {morning.run_id}",
        "supersedes": serves.model_version if serves else None,
    }
    _register(morning, judged, stage="champion", facts=facts)
    return _install(morning, version, grade=str(judged["quality_grade"]), sha256=sha256)


def parameters(model: CustomerValue) -> str:
    """The fitted parameters by their letters, as JSON; days and shop currency."""
    buying, spending = model.value_.purchases_.buying, model.value_.amounts_.spending
    found: dict[str, object] = {"recipe": model.recipe, **buying._asdict(), **spending._asdict()}
    found["log_likelihood"] = model.value_.purchases_.log_likelihood_
    if model.amounts_ is not None:
        found["level_factor"] = model.amounts_.factor_
    return json.dumps(found, sort_keys=True)


def _fallen_back(morning: ValueMorning, judged: pd.Series) -> ChampionVersion:
    version = f"{judged['model_version']}-fallback"
    model: Model = SpendRate(horizons_days=morning.problem.horizons_days)
    sha256 = save_model(morning.folder(version), model, facts={"recipe": FORMULA})
    facts = {
        "model_version": version,
        "model_sha256": sha256,
        "params": json.dumps(model.get_params(), sort_keys=True),
        "calibration_method": "none",
        "quality_grade": FALLBACK.name,
        "card_uri": None,
    }
    _register(morning, judged, stage="champion", facts=facts)
    return _install(morning, version, grade=FALLBACK.name, sha256=sha256, is_fallback=True)


def _register(morning: ValueMorning, judged: pd.Series, *, stage: Stage, facts: Mapping[str, object]) -> None:
    """Write the version's registry row, and the card of one that was judged."""
    row = typed([{**_registry_row(morning, judged), "stage": stage, **facts}], REGISTRY_TYPES)
    version = str(row["model_version"].iloc[0])
    control_tables.write_once(morning.warehouse, MODEL_REGISTRY, row, version=version)
    if pd.isna(row["card_uri"].iloc[0]):
        return
    text = card(
        morning.problem,
        row.iloc[0],
        decision=decision_of(morning, judged),
        metrics=control_tables.rows_of_version(morning.warehouse, METRICS, version),
        bins=control_tables.rows_of_version(morning.warehouse, CALIBRATION_BINS, version),
    )
    (morning.folder(version) / CARD_FILE).write_text(text, encoding="utf-8")


def _registry_row(morning: ValueMorning, judged: pd.Series) -> dict[str, object]:
    problem, version = morning.problem, str(judged["model_version"])
    tested_on: date | None = None if pd.isna(judged["tested_on"]) else judged["tested_on"]
    n, repeaters = int(judged["n"]), int(judged["n_repeaters"])
    recipe = None if pd.isna(judged["recipe"]) else judged["recipe"]
    return {
        "model_name": problem.name,
        "model_version": version,
        "trained_at": morning.now,
        **dict.fromkeys(("train_from", "train_to"), morning.as_of),
        **dict.fromkeys(("calibration_from", "calibration_to", "promoted_by", "supersedes")),
        **dict.fromkeys(("test_from", "test_to"), tested_on),
        "label_horizon_days": problem.judged_days,
        "n_rows": n,
        "n_positive": repeaters,
        "n_negative": n - repeaters,
        "features": json.dumps(problem.columns.numeric + problem.columns.categorical),
        "params": json.dumps({"recipe": recipe}),
        "seed": problem.seed,
        "spec_hash": problem.spec_hash,
        **{name: judged[name] for name in ("code_hash", "data_hash", "quality_grade")},
        "libraries": json.dumps(library_versions()),
        "calibration_method": "maximum likelihood" if recipe == "bg_nbd" else "level factor",
        "card_uri": f"{version}/{CARD_FILE}",
    }


def _install(
    morning: ValueMorning, version: str, *, grade: str, sha256: str, is_fallback: bool = False
) -> ChampionVersion:
    """From this morning on ``version`` scores."""
    serves = ChampionVersion(
        as_of_date=morning.as_of,
        model_version=version,
        quality_grade=grade,
        is_fallback=is_fallback,
        model_sha256=sha256,
        twin_hashes=None,
    )
    row = typed([{"model_name": morning.problem.name, **asdict(serves)}], CHAMPION_TYPES)
    control_tables.replace_row(morning.warehouse, morning.problem.champion, row, as_of=morning.as_of)
    newest = control_tables.champion_as_of(morning.problem, morning.warehouse, as_of=date.max)
    if newest is not None:
        control_tables.set_stage(morning.warehouse, morning.problem.name, version=newest.model_version)
    return serves
