"""The registry of capabilities: assets, checks, published tables and triggers follow from one line each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg

from assets.activation.defs import DESCRIPTIONS as ACTIVATION
from assets.activation.defs import activation_asset
from assets.activation.rules import CUSTOMERS
from assets.churn.capability import CHURN
from assets.ingest.config.audiences import AudienceRule
from assets.ingest.config.business import BusinessConfig
from assets.keys import CHECKS, USABILITY_REPORT, Key
from assets.lifecycle.defs import AnyCapability, realised_asset, scores_asset, trained_assets
from assets.lifecycle.retrain_triggers import RetrainTrigger, pending_trigger
from assets.lifecycle.store import control_tables
from assets.lifetime_value.capability import LIFETIME_VALUE
from assets.monitoring.defs import control_tables_asset, drift_asset, usability_asset
from assets.ports import Warehouse
from assets.propensity.capability import PURCHASE_PROPENSITY
from assets.publishing.retention import RETENTION_LOG
from assets.segments.capability import SEGMENTS
from checks.binding import bind
from checks.capabilities import lifetime_value, segments
from checks.capabilities.agreement import agreement_invariants
from checks.data.defs import landing_checks
from checks.data.history import history_invariants
from checks.data.plausibility import plausibility_invariants
from checks.models.defs import capability_checks
from checks.models.supervised import supervised_invariants
from checks.privacy.defs import audience_check, cohort_check, consent_checks
from checks.verdict import Invariant

Assets = list[dg.AssetsDefinition]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A capability and its own checks, which get the folder of pages for a browser."""

    capability: AnyCapability
    invariants: Callable[[Path], Iterable[Invariant]]


REGISTRY = (
    Registered(
        capability=PURCHASE_PROPENSITY,
        invariants=lambda reports: supervised_invariants(PURCHASE_PROPENSITY, reports=reports),
    ),
    Registered(capability=CHURN, invariants=lambda reports: supervised_invariants(CHURN, reports=reports)),
    Registered(capability=LIFETIME_VALUE, invariants=lambda _: lifetime_value.invariants(LIFETIME_VALUE)),
    Registered(capability=SEGMENTS, invariants=lambda _: segments.invariants(SEGMENTS)),
)
CAPABILITIES: tuple[AnyCapability, ...] = tuple(each.capability for each in REGISTRY)


def all_checks(reports: Path, business: BusinessConfig) -> list[dg.AssetChecksDefinition]:
    """Every check that is not a dbt test.

    Args:
        reports: Where the pages lie that some point to.
        business: Decides whether consents are delivered, and how many rows may be rejected.
    """
    people = [each.spec.scores for each in CAPABILITIES if each.spec.subject and each.spec.cohort]
    models = [
        check
        for each in REGISTRY
        for check in capability_checks(each.capability, invariants=each.invariants(reports))
    ]
    return [
        *landing_checks(largest_reject_share=business.largest_reject_share),
        *map(bind, (*plausibility_invariants(), *history_invariants())),
        *models,
        *map(bind, agreement_invariants()),
        *consent_checks(people, is_recorded=business.records_consent),
        cohort_check(),
        audience_check(),
    ]


def readiness_asset(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The usability report on every capability."""
    return usability_asset(partitions, [each.spec for each in CAPABILITIES])


def monitored_assets(partitions: dg.PartitionsDefinition[str], *, reports: Path) -> Assets:
    """Realised performance and drift of the capabilities that have them.

    Args:
        partitions: The as-of dates.
        reports: Where pages for a browser lie.
    """
    realised = [realised_asset(each, partitions) for each in CAPABILITIES if each.spec.outcomes]
    drift = [
        drift_asset(each, partitions, reports=reports)
        for each in CAPABILITIES
        if each.spec.retrain == "on_trigger"
    ]
    return [*realised, *drift]


def model_assets(
    partitions: dg.PartitionsDefinition[str], *, audiences: Sequence[AudienceRule]
) -> tuple[Assets, Assets, Assets]:
    """Assets that train on a trigger, those that train in every run, and those that score.

    Args:
        partitions: The as-of dates.
        audiences: Rules of further audiences.
    """

    def trained(retrain: str) -> Assets:
        matching = [each for each in CAPABILITIES if each.spec.retrain == retrain]
        return [asset for each in matching for asset in trained_assets(each, partitions)]

    scored = [
        *(scores_asset(each, partitions) for each in CAPABILITIES),
        control_tables_asset(table.key for each in CAPABILITIES for table in each.spec.tables),
        activation_asset(
            partitions,
            propensity=PURCHASE_PROPENSITY.spec.scores,
            value=LIFETIME_VALUE.spec.scores,
            rules=audiences,
        ),
    ]
    return trained("on_trigger"), trained("every_run"), scored


def published_tables() -> tuple[Key, ...]:
    """Everything the snapshot holds: score tables and side tables, activation, control tables."""
    scored = [name for each in CAPABILITIES for table in each.spec.tables for name in table.published]
    control = [
        name
        for key, table in control_tables.CONTROL_TABLES.items()
        for name in ((key.name,) if table.published is None else table.published)
    ]
    shared = [key.name for key in (*ACTIVATION, USABILITY_REPORT, CHECKS, RETENTION_LOG)]
    return tuple(Key("published", name) for name in (*scored, CUSTOMERS.name, *control, *shared))


def pending_triggers(warehouse: Warehouse, *, as_of: date) -> Iterator[RetrainTrigger]:
    """The strongest retrain trigger of each capability that has one."""
    for each in CAPABILITIES:
        trigger = pending_trigger(each.spec, warehouse, as_of=as_of)
        if trigger is not None:
            yield trigger
