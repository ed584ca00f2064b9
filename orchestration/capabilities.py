"""The rooms of the house: which questions are asked, and what each room makes, checks and publishes."""

from pathlib import Path

import dagster as dg

from assets.activation.defs import DESCRIPTIONS as ACTIVATION
from assets.activation.defs import activation_asset
from assets.churn.problem import CHURN
from assets.keys import CHECKS, USABILITY_REPORT, Key
from assets.lifecycle.defs import supervised_assets
from assets.lifecycle.store import control_tables
from assets.lifetime_value.defs import value_realised_asset, value_scores_asset, value_trained_assets
from assets.lifetime_value.problem import LIFETIME_VALUE
from assets.monitoring.defs import control_tables_asset, monitored_assets_of
from assets.propensity.problem import PURCHASE_PROPENSITY
from assets.segments.defs import grouping_asset, segment_assets
from assets.segments.model import SEGMENTS
from assets.supervised.problem import PredictionProblem
from checks.data.defs import landing_checks
from checks.lifetime_value.defs import value_checks
from checks.models.defs import problem_checks
from checks.privacy.defs import audience_check, consent_checks
from checks.segments.defs import segment_checks

PROBLEMS: tuple[PredictionProblem, ...] = (PURCHASE_PROPENSITY, CHURN)

Assets = list[dg.AssetsDefinition]


# What is said of customers, before it is published.
SAID = (*(problem.scores for problem in PROBLEMS), LIFETIME_VALUE.scores, SEGMENTS.assignments)


def checks_of_all(reports: Path, *, records_consent: bool) -> list[dg.AssetChecksDefinition]:
    """Every check that is not a dbt test.

    Args:
        reports: Where the pages lie that some point to.
        records_consent: Whether the business delivers what its customers allowed.
    """
    supervised = [check for problem in PROBLEMS for check in problem_checks(problem, reports=reports)]
    return [
        *landing_checks(),
        *supervised,
        *value_checks(LIFETIME_VALUE),
        *segment_checks(SEGMENTS),
        *consent_checks(SAID, is_recorded=records_consent),
        audience_check(),
    ]


def monitored_assets(partitions: dg.PartitionsDefinition[str], *, reports: Path) -> Assets:
    """What became of what each room published, and how far customers have drifted."""
    supervised = [
        each for problem in PROBLEMS for each in monitored_assets_of(problem, partitions, reports=reports)
    ]
    return [*supervised, value_realised_asset(LIFETIME_VALUE, partitions)]


def modelled(partitions: dg.PartitionsDefinition[str]) -> tuple[Assets, Assets, Assets]:
    """What trains for a cause, what trains each morning, and what scores; the journals count last."""
    models = [supervised_assets(problem, partitions) for problem in PROBLEMS]
    scores = [scores for *_, scores in models]
    last = [*(problem.scores for problem in PROBLEMS), LIFETIME_VALUE.scores, SEGMENTS.profiles]
    return (
        [asset for *trained, _ in models for asset in trained],
        [*value_trained_assets(LIFETIME_VALUE, partitions), grouping_asset(SEGMENTS, partitions)],
        [
            *scores,
            value_scores_asset(LIFETIME_VALUE, partitions),
            *segment_assets(SEGMENTS, partitions),
            control_tables_asset(last),
            activation_asset(partitions, propensity=PURCHASE_PROPENSITY.scores, value=LIFETIME_VALUE.scores),
        ],
    )


def published_tables() -> tuple[Key, ...]:
    """Everything the snapshot holds: each problem's history and newest rows, and the control tables."""
    scored = [
        Key("published", f"{name}{suffix}")
        for name in (*(problem.name for problem in PROBLEMS), LIFETIME_VALUE.name)
        for suffix in ("", "_latest")
    ]
    segments = [Key("published", name) for name in ("segments", "segments_latest", "segment_profiles")]
    control = [
        Key("published", key.name) for key in (*control_tables.CONTROL_TABLES, USABILITY_REPORT, CHECKS)
    ]
    activation = [Key("published", key.name) for key in ACTIVATION]
    return (*scored, *segments, *activation, *control)
