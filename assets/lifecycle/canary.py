"""Canary: a new champion scores beside the old one for one as-of date before it serves.

The old champion's scores are published for that date, the new one's are stored beside them and compared.
Where they agree the new champion serves from the next as-of date on; where they do not the old one stays.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd
from scipy import stats

from assets.features.matrix import AS_OF
from assets.lifecycle.capability import Data, Model
from assets.lifecycle.run_context import RunContext, score_types
from assets.lifecycle.spec import Spec
from assets.lifecycle.store import control_tables
from assets.lifecycle.store.control_tables import ChampionVersion
from assets.lifecycle.store.schemas import CANARY_TYPES, typed
from assets.metrics.arrays import Floats

# Both versions were fitted by one pipeline on nearly the same rows, and their scores hold the same level.
MOST_MISSING = 0.01
MOST_LOG_TOTAL = 0.2
LEAST_RANK_CORRELATION = 0.7
MOST_OUTSIDE = 0.5
# A new score may lie beyond the old ones by so much of their range.
RANGE_MARGIN = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryFigures:
    """How the scores of two versions for the same rows compare.

    Attributes:
        n: Rows that the champion scored.
        missing_share: Share of them without a finite score by the canary.
        log_total: Logarithm of the canary's total over the champion's, where both have a score.
        rank_correlation: Spearman's; 1 where the champion's scores do not differ.
        outside_share: Share of the canary's scores outside the champion's interval; 0 where it has none.
        beyond_range: Largest distance of a canary's score from the champion's range, in units of that range.
    """

    n: int
    missing_share: float
    log_total: float
    rank_correlation: float
    outside_share: float
    beyond_range: float


def hold(run: RunContext[Data, Model], champion: ChampionVersion, *, serving: ChampionVersion) -> None:
    """Let a promoted version score beside the one that serves, instead of in its place.

    Args:
        run: The run.
        champion: The promoted version.
        serving: The version that serves.
    """
    row = {**dict.fromkeys(CANARY_TYPES), "model_name": run.spec.name, **asdict(champion)}
    rows = typed([row | {"champion": serving.model_version}], CANARY_TYPES)
    run.warehouse.replace_partition(run.spec.canary, rows, column=AS_OF, value=run.as_of)


def pending(run: RunContext[Data, Model], serving: ChampionVersion) -> ChampionVersion | None:
    """The version that scores beside ``serving`` on the run's date; ``None`` when there is none."""
    rows = run.warehouse.read(
        f"select * exclude (champion, n, agrees, figures, reasons) from {run.spec.canary.sql} "
        f"where {AS_OF} <= $as_of and agrees is null and champion = $champion order by {AS_OF} desc limit 1",
        {"as_of": run.as_of, "champion": serving.model_version},
    )
    return None if rows.empty else control_tables.version_of(rows.iloc[0])


def decide(
    run: RunContext[Data, Model],
    canary: ChampionVersion,
    *,
    serving: ChampionVersion,
    published: pd.DataFrame,
    beside: pd.DataFrame,
) -> None:
    """Store the scores of ``canary``, compare them, and let it serve after the date or not; it is logged.

    Args:
        run: The run.
        canary: The version that scores beside the serving one.
        serving: The serving version.
        published: Its rows (n, k) of the date.
        beside: Those of ``canary``.
    """
    spec = run.spec
    run.warehouse.prepare({spec.canary_scores: typed([], score_types(spec))})
    run.warehouse.replace_partition(spec.canary_scores, beside, column=AS_OF, value=run.as_of)
    figures = compared(spec, published, beside)
    found = tuple(disagreements(figures))
    reasons = "; ".join(found) or (
        f"scores of {figures.n:,} rows agree with the champion's: total {np.exp(figures.log_total):.2f} of "
        f"its, rank correlation {figures.rank_correlation:.2f}"
    )
    row = {**dict.fromkeys(CANARY_TYPES), "model_name": spec.name, **asdict(canary), AS_OF: run.as_of}
    row |= {"champion": serving.model_version, "n": figures.n, "agrees": not found, "reasons": reasons}
    rows = typed([row | {"figures": json.dumps(asdict(figures), sort_keys=True)}], CANARY_TYPES)
    run.warehouse.replace_partition(spec.canary, rows, column=AS_OF, value=run.as_of)
    versions = {"champion": serving.model_version, "challenger": canary.model_version}
    run.log_decision("refuse" if found else "promote", reasons=f"canary: {reasons}", **versions)
    # A repeated date may decide otherwise than it did before.
    control_tables.forget_later_champions(spec.champion, run.warehouse, after=run.as_of)
    control_tables.set_stage(run.warehouse, canary.model_version, "refused" if found else "retired")
    following = replace(canary, as_of_date=run.as_of + timedelta(days=1))
    champion = serving if found else following
    control_tables.set_champion(spec.champion, run.warehouse, name=spec.name, champion=champion)


def compared(spec: Spec, published: pd.DataFrame, beside: pd.DataFrame) -> CanaryFigures:
    """Compare two versions' scores of the same rows.

    Args:
        spec: Names the score, its interval and the keys of a row.
        published: The champion's rows (n, k).
        beside: The canary's rows (m, k).

    Raises:
        ValueError: ``spec`` names no score.
    """
    score = spec.canary_score
    if score is None:
        raise ValueError(f"{spec.name} names no score that a canary could compare")
    keys = [*filter(None, (spec.subject,)), *spec.tables[0].key_columns]
    columns = [*keys, score.column]
    both = published.loc[published[score.column].notna()].merge(
        beside[columns].rename(columns={score.column: "canary"}), on=keys, how="left"
    )
    old, new = (both[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in (score.column, "canary"))
    is_known = np.isfinite(new)
    width = float(np.ptp(old)) if old.size else 0.0
    return CanaryFigures(
        n=len(both),
        missing_share=1 - float(is_known.mean()) if old.size else 0.0,
        log_total=_log_ratio(float(new[is_known].sum()), float(old[is_known].sum())),
        rank_correlation=_rank_correlation(old[is_known], new[is_known]),
        outside_share=_outside(both.loc[is_known], new[is_known], ends=score.interval),
        beyond_range=_beyond(old, new[is_known], width=width),
    )


def disagreements(figures: CanaryFigures) -> Iterator[str]:
    """What two versions of one pipeline do not differ by, in words; nothing when they agree.

    Args:
        figures: Of both versions.
    """
    if figures.missing_share > MOST_MISSING:
        yield (
            f"{figures.missing_share:.1%} of {figures.n:,} rows have no score, at most {MOST_MISSING:.0%} may"
        )
    if not abs(figures.log_total) <= MOST_LOG_TOTAL:
        yield (
            f"its total is {np.exp(figures.log_total):.2f} of the champion's, {np.exp(-MOST_LOG_TOTAL):.2f} "
            f"to {np.exp(MOST_LOG_TOTAL):.2f} are allowed"
        )
    if not figures.rank_correlation >= LEAST_RANK_CORRELATION:
        yield (
            f"ranks correlate by {figures.rank_correlation:.2f} with the champion's, at least "
            f"{LEAST_RANK_CORRELATION} must"
        )
    if figures.outside_share > MOST_OUTSIDE:
        yield (
            f"{figures.outside_share:.0%} of the scores lie outside the champion's intervals, at most "
            f"{MOST_OUTSIDE:.0%} may"
        )
    if figures.beyond_range > RANGE_MARGIN:
        yield (
            f"a score lies {figures.beyond_range:.1f} times the champion's range beyond it, at most "
            f"{RANGE_MARGIN:.0f} is allowed"
        )


def _log_ratio(new: float, old: float) -> float:
    """Logarithm of ``new`` over ``old``; 0 when both are 0, infinite when one is."""
    if new == old:
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.log(np.divide(new, old)))


def _rank_correlation(old: Floats, new: Floats) -> float:
    if old.size < 2 or np.ptp(old) == 0:
        return 1.0
    return 0.0 if np.ptp(new) == 0 else float(stats.spearmanr(old, new).statistic)


def _outside(rows: pd.DataFrame, new: Floats, *, ends: tuple[str, str] | None) -> float:
    if ends is None or not new.size:
        return 0.0
    lo, hi = (rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ends)
    return float(np.mean((new < lo) | (new > hi)))


def _beyond(old: Floats, new: Floats, *, width: float) -> float:
    if not new.size or width == 0:
        return 0.0
    return max(0.0, float(new.max() - old.max()), float(old.min() - new.min())) / width
