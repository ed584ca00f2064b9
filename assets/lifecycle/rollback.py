"""Back to the champion before: one step, logged like any other decision."""

from dataclasses import replace

import pandas as pd

from assets.features.matrix import AS_OF
from assets.lifecycle.gate import decision_row_without_comparison
from assets.lifecycle.promotion import set_champion
from assets.lifecycle.run_context import Morning
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.artifacts import load_version
from assets.lifecycle.store.control_tables import ChampionVersion

BY_HAND = "by hand"


class NothingToRollBackTo(Exception):
    """No other version has served before."""


def roll_back(morning: Morning, *, reason: str) -> ChampionVersion:
    """From this morning on, the version that served before today's champion serves again.

    Args:
        morning: The newest as-of morning.
        reason: Why, in the words of whoever decides.

    Raises:
        NothingToRollBackTo: when no other version has served before.
        ModelIntegrityError: when the earlier version's file is not the one that was registered.
    """
    problem, warehouse = morning.problem, morning.warehouse
    serves = control_tables.champion_as_of(problem, warehouse, as_of=morning.as_of)
    before = _version_before(morning, serves) if serves else None
    if serves is None or before is None:
        raise NothingToRollBackTo(f"no version of {problem.name} served before the one that serves now")
    # Refused here rather than on the next morning: a rollback is made in a hurry.
    load_version(morning.folder(before.model_version), sha256=before.model_sha256)
    attempt = replace(
        morning.attempt(champion=serves.model_version, challenger=before.model_version), trigger=BY_HAND
    )
    control_tables.log_decision(
        warehouse, decision_row_without_comparison(attempt, "rollback", reasons=reason)
    )
    return set_champion(morning, replace(before, as_of_date=morning.as_of))


def _version_before(morning: Morning, serves: ChampionVersion) -> ChampionVersion | None:
    rows = morning.warehouse.read(
        f"select max({AS_OF}) as day from {morning.problem.champion.sql} "
        f"where {AS_OF} < $since and model_version <> $version and not is_fallback",
        {"since": serves.as_of_date, "version": serves.model_version},
    )
    day = rows["day"].iloc[0]
    if pd.isna(day):
        return None
    return control_tables.champion_as_of(morning.problem, morning.warehouse, as_of=pd.Timestamp(day).date())
