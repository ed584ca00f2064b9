"""The first step of a morning: a new grouping, the decision on it, and which one serves from now on."""

import numpy as np
import pandas as pd

from assets.keys import METRICS, MODEL_REGISTRY
from assets.lifecycle.store import control_tables
from assets.segments import record
from assets.segments.adopt import Adoption, Proposal, adopt
from assets.segments.grouping import chosen, fit_groups, tried
from assets.segments.matching import SegmentKeys, identify, matched, overlaps
from assets.segments.model import SegmentationSpec
from assets.segments.morning import Morning
from assets.segments.preparing import FeatureScaler, coordinates, fit_axes
from assets.segments.serving import SegmentationModel, place, save_grouping

TOO_FEW = "too_few_customers"
ALIKE = "customers_do_not_differ"
UNSTABLE = "no_stable_segments"


def grouping(morning: Morning) -> pd.DataFrame:
    """Propose a grouping, adopt it or keep the serving one, and log which and why.

    Returns:
        The morning's one row of ``ml.segments__model``. A repeated morning says the same again.
    """
    morning.prepare()
    if morning.serves is not None and morning.serves.version == morning.version:
        return control_tables.row_for_date(morning.warehouse, morning.problem.model, morning.as_of)
    serving = morning.serves.grouping if morning.serves else None
    proposal = propose(morning.sample, serving, segmentation=morning.problem)
    adoption = adopt(proposal, serving, sample=morning.sample, segmentation=morning.problem)
    control_tables.log_decision(morning.warehouse, record.decision_row(morning, adoption))
    sha256 = _kept(morning, proposal, adoption=adoption)
    row = record.model_row(morning, proposal, adoption=adoption, sha256=sha256)
    return control_tables.replace_row(morning.warehouse, morning.problem.model, row, as_of=morning.as_of)


def propose(
    sample: pd.DataFrame, serving: SegmentationModel | None, *, segmentation: SegmentationSpec
) -> Proposal:
    """Group the customers of ``sample``, or say why not; segments known before keep their keys.

    Args:
        sample: One row per customer with the feature columns.
        serving: The grouping whose keys live on, if one serves.
        segmentation: How to group.
    """
    least = segmentation.rules.customers
    if len(sample) < least:
        return Proposal(grouping=None, refusal=f"{len(sample):,} customers; at least {least}", code=TOO_FEW)
    axes = fit_axes(sample, segmentation.traits)
    if not axes:
        return Proposal(grouping=None, refusal="customers differ in nothing that is measured", code=ALIKE)
    points = coordinates(sample, axes)
    table = tuple(tried(points, segmentation))
    best = chosen(table, segmentation)
    if best is None:
        closest = max((each.stability for each in table), default=0.0)
        refusal = (
            f"no number of groups comes back: refits on halves agree by {closest:.2f} at most, "
            f"needed is {segmentation.rules.stability:.2f}, with every group large enough"
        )
        return Proposal(grouping=None, table=table, refusal=refusal, code=UNSTABLE)
    groups = fit_groups(points, k=best.k, seed=segmentation.seed)
    identity = _identity(groups.labels_, groups.cluster_centers_, axes, (serving, sample, segmentation))
    return Proposal(
        grouping=SegmentationModel(groups=groups, axes=axes, identity=identity), table=table, best=best
    )


def _identity(
    labels: np.ndarray,
    centres: np.ndarray,
    axes: tuple[FeatureScaler, ...],
    known: tuple[SegmentationModel | None, pd.DataFrame, SegmentationSpec],
) -> SegmentKeys:
    serving, sample, segmentation = known
    by_column = {trait.column: trait for trait in segmentation.traits}
    traits = [by_column[axis.column] for axis in axes]
    if serving is None or any(name not in sample for name in serving.columns):
        return identify(centres, traits, before=None, same={})
    overlap = overlaps(labels, place(serving, sample).group, shape=(len(centres), serving.k))
    same = matched(overlap, at_least=segmentation.rules.overlap)
    return identify(centres, traits, before=serving.identity, same=same)


def _kept(morning: Morning, proposal: Proposal, *, adoption: Adoption) -> str | None:
    """Write what was tried and, when it is adopted, the grouping itself; returns the hash of its files."""
    if proposal.table:
        control_tables.replace_metrics(morning.warehouse, METRICS, record.metric_rows(morning, proposal))
    if proposal.grouping is None:
        return None
    promoted = adoption.outcome == "promote"
    sha256 = save_grouping(morning.folder(morning.version), proposal.grouping) if promoted else None
    row = record.registry_row(morning, proposal, sha256=sha256)
    control_tables.write_once(morning.warehouse, MODEL_REGISTRY, row, version=morning.version)
    if promoted:
        control_tables.set_stage(morning.warehouse, morning.problem.name, version=_champion(morning))
    return sha256


def _champion(morning: Morning) -> str:
    """The version that the registry names as champion after the adoption of this as-of date's grouping.

    Past dates can be replayed after newer ones, so it is the one that serves on the newest as-of date.
    """
    newer = morning.warehouse.read(
        f"select model_version from {morning.problem.model.sql} "
        "where as_of_date > $as_of and model_version is not null order by as_of_date desc limit 1",
        {"as_of": morning.as_of},
    )
    return morning.version if newer.empty else str(newer["model_version"].iloc[0])
