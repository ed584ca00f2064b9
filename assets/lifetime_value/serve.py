"""The last step of a morning: everyone's outlook by the version that serves."""

import pandas as pd

from assets.features.matrix import AS_OF
from assets.lifecycle.cohort import permissions_on
from assets.lifecycle.run_context import NothingKnown
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import load_model
from assets.lifetime_value.propose import ValueMorning, prepare
from assets.lifetime_value.score_rows import score, with_everyone
from assets.supervised.scoring.score_rows import ScoreProvenance


def scores(morning: ValueMorning) -> pd.DataFrame:
    """Score everyone for every horizon, and keep the day's rows.

    Returns:
        The day's rows of ``ml.lifetime_value__scores``.

    Raises:
        NothingKnown: when no version serves, or nobody who may be profiled had bought before this morning.
        ModelIntegrityError: when the version's file is not the one that was registered.
    """
    prepare(morning)
    problem, warehouse = morning.problem, morning.warehouse
    serves = control_tables.champion_as_of(problem, warehouse, as_of=morning.as_of)
    if serves is None:
        raise NothingKnown(f"no version of {problem.name} serves on {morning.as_of}: make its champion first")
    model, _ = load_model(morning.folder(serves.model_version), sha256=serves.model_sha256)
    run = ScoreProvenance(
        run_id=morning.run_id,
        scored_at=morning.now,
        model_version=serves.model_version,
        quality_grade=serves.quality_grade,
        status="fallback_model" if serves.is_fallback else "ok",
    )
    permissions = permissions_on(warehouse, as_of=morning.as_of)
    scored = with_everyone(score(problem, model, morning.cohort, run=run), permissions)
    warehouse.replace_partition(problem.scores, scored, column=AS_OF, value=morning.as_of)
    return scored
