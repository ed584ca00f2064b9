"""The site of pages about a business: its capabilities, and which kind of page each has."""

from assets.activation.audience import NAME
from assets.ingest.config.business import BusinessConfig
from assets.lifecycle.defs import AnyCapability
from assets.lifetime_value.capability import LIFETIME_VALUE
from assets.publishing.pages.subjects import Kind, Subject
from assets.publishing.pages.write import Site
from assets.supervised.capability import SupervisedCapability
from orchestration.capabilities import CAPABILITIES
from orchestration.settings import Settings


def site_of(settings: Settings, business: BusinessConfig) -> Site:
    """The site of ``business``, with a page for each registered capability."""
    return Site(
        business=business.title,
        currency=business.currency,
        best_tenth=NAME,
        subjects=tuple(map(_subject, CAPABILITIES)),
        models=settings.models_dir,
        reports=settings.reports_dir,
    )


def _subject(capability: AnyCapability) -> Subject:
    if isinstance(capability, SupervisedCapability):
        return Subject(spec=capability.spec, kind="probability", groups=capability.problem.reason_groups)
    kind: Kind = "value" if capability is LIFETIME_VALUE else "segments"
    return Subject(spec=capability.spec, kind=kind)
