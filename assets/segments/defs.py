"""The assets of the grouping: which one serves, who is in which segment, and what sets each apart."""

import dagster as dg
import pandas as pd

from assets.keys import METRICS
from assets.lifecycle.cohort import ELIGIBILITY
from assets.lifecycle.defs import Told, told_row, told_table, weekly_asset
from assets.lifecycle.report.plots import as_markdown
from assets.lifecycle.store import control_tables
from assets.segments.assign import assignments
from assets.segments.model import BEHAVIOUR, RFM, SegmentationSpec
from assets.segments.morning import Morning
from assets.segments.plot import profile_plot
from assets.segments.profiles import profiles
from assets.segments.propose import grouping


def grouping_asset(
    segmentation: SegmentationSpec, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Which grouping serves from a morning on, and why."""
    return weekly_asset(
        segmentation, partitions,
        key=segmentation.model, deps=(segmentation.features, ELIGIBILITY),
        description=(
            "A new grouping of the morning's customers, into as many segments as come back on halves "
            "of them; adopted when none serves, or when the serving one no longer fits or is surely beaten."
        ),
        occasion=Morning, step=_grouping,
    )  # fmt: skip


def segment_assets(
    segmentation: SegmentationSpec, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Who is in which segment on a morning, and the profiles of the segments."""
    return [
        weekly_asset(
            segmentation, partitions,
            key=segmentation.assignments,
            deps=(segmentation.model, segmentation.features, segmentation.rfm, ELIGIBILITY),
            description=(
                "One row per customer, scheme (rfm, behaviour) and as-of date: the segment, how surely."
            ),
            occasion=Morning, step=_assignments,
        ),
        weekly_asset(
            segmentation, partitions,
            key=segmentation.profiles, deps=(segmentation.assignments, segmentation.features),
            description="One row per as-of date, scheme, segment and feature: its mean against everybody's.",
            occasion=Morning, step=_profiles,
        ),
    ]  # fmt: skip


def _grouping(morning: Morning) -> Told:
    row = grouping(morning)
    figures = control_tables.rows_of_version(
        morning.warehouse, METRICS, str(row["challenger"].iloc[0]), split="train"
    )
    return {**told_row(row), "tried": _tried(figures)}


def _assignments(morning: Morning) -> Told:
    rows = assignments(morning)
    segments = rows.groupby("scheme")["segment_key"].nunique()
    return {
        "dagster/row_count": len(rows),
        **{f"segments_{scheme}": int(segments.get(scheme, 0)) for scheme in (RFM, BEHAVIOUR)},
    }


def _profiles(morning: Morning) -> Told:
    rows = profiles(morning)
    return {
        "dagster/row_count": len(rows),
        **{f"profiles_{scheme}": _heat_map(rows, scheme) for scheme in (BEHAVIOUR, RFM)},
    }


def _tried(figures: pd.DataFrame) -> dg.MetadataValue | None:
    """Every number of segments that was tried, and how it did."""
    table = figures.pivot_table(index="slice_value", columns="metric", values="value", sort=False)
    return told_table(table.rename_axis("segments").reset_index())


def _heat_map(rows: pd.DataFrame, scheme: str) -> dg.MetadataValue | None:
    mine = rows.loc[rows["scheme"] == scheme]
    if mine.empty:
        return None
    png = profile_plot(mine, title=f"segments by {scheme}: 100 is everybody's mean")
    return dg.MetadataValue.md(as_markdown(png, text=f"profiles {scheme}"))
