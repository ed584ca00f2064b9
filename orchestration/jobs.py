"""The jobs a person launches by name."""

import dagster as dg

# Dagster exports no public name for what define_asset_job returns.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

PREDICT_AND_PUBLISH = "predict_and_publish"


def predict_and_publish(partitions: dg.PartitionsDefinition[str]) -> UnresolvedAssetJobDefinition:
    """Everything, once, for one as-of day: land, build features, train, judge, score, publish."""
    return dg.define_asset_job(
        PREDICT_AND_PUBLISH,
        selection=dg.AssetSelection.all(),
        partitions_def=partitions,
        # Steps take seconds; a process per step would cost ten seconds of imports each.
        executor_def=dg.in_process_executor,
        description=(
            "The whole path for one as-of day: land the exports, build features, train and judge a "
            "candidate, score everyone with the champion, publish. Choose the newest as-of day."
        ),
    )
