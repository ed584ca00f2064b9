"""The jobs that a person, a schedule or a sensor launches by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import dagster as dg

# Dagster exports no public name for what define_asset_job returns.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.policies import RUN_TAGS

PREDICT_AND_PUBLISH = "predict_and_publish"
REFRESH = "refresh"
SCORE = "score"
RETRAIN = "retrain"
PUBLISH = "publish"
REPLAY = "replay"
RESCORE = "rescore"

TOLD: Mapping[str, str] = MappingProxyType(
    {
        PREDICT_AND_PUBLISH: "The whole path for one as-of day: land the exports, build features, train and "
        "judge a candidate, score everyone with the champion, publish. Choose the newest as-of day.",
        REFRESH: "Land what has arrived, build staging and marts, say what the data can carry. Trains and "
        "publishes nothing.",
        SCORE: "The weekly morning: land, build features, look back on what was published, score everyone "
        "with the champion, fit lifetime value and segments anew, publish. Trains no champion; without one it"
        " says so.",
        RETRAIN: "Train and judge a candidate for one as-of day, promote or refuse it, score with whoever "
        "serves then, publish. The features of that day must be there: launch score before.",
        REPLAY: "One morning of the past: build its features, look back on what was published, score with "
        "the champion of that day. Lands and publishes nothing; `make replay` walks many of them.",
        RESCORE: "Score one as-of day again with whoever serves now, and publish: what `make rollback` runs.",
        PUBLISH: "Publish again what the warehouse holds: contracts, ledger of checks, snapshot file.",
    }
)

Assets = Sequence[dg.AssetsDefinition]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Every asset of one business, by what it waits for.

    Attributes:
        landed: Exports, raw tables, staging and marts, the usability report.
        featured: Features and labels by as-of day.
        looked_back: What became of published scores, and how far customers have drifted.
        trained: Candidate, evaluation and champion of the supervised problems, for a cause.
        renewed: What is fitted anew each morning, behind its own gate: lifetime value and segments.
        scored: Scores and the journals.
        published: The published tables, the ledger of checks and the snapshot.
    """

    landed: Assets
    featured: Assets
    monitored: Assets
    trained: Assets
    refitted_every_run: Assets
    scored: Assets
    published: Assets

    @property
    def everything(self) -> Assets:
        """All of them, upstream first."""
        return [
            *self.landed,
            *self.featured,
            *self.monitored,
            *self.trained,
            *self.refitted_every_run,
            *self.scored,
            *self.published,
        ]

    def assets_to_retrain(self, capability: str) -> list[dg.AssetKey]:
        """Assets of a run that retrains ``capability``: its models and scores, and what all share."""
        fitted = (*self.trained, *self.refitted_every_run)
        others = {group for asset in fitted for group in asset.group_names_by_key.values()} - {capability}
        made = (*self.trained, *self.scored, *self.published)
        return [
            key for asset in made for key, group in asset.group_names_by_key.items() if group not in others
        ]


def jobs_of(
    stages: Stages, partitions: dg.PartitionsDefinition[str]
) -> dict[str, UnresolvedAssetJobDefinition]:
    """Every job by its name; each is launched for one as-of day."""
    scoring = [*stages.featured, *stages.monitored, *stages.refitted_every_run, *stages.scored]
    assets: dict[str, Assets] = {
        PREDICT_AND_PUBLISH: stages.everything,
        REFRESH: stages.landed,
        SCORE: [*stages.landed, *scoring, *stages.published],
        RETRAIN: [*stages.trained, *stages.refitted_every_run, *stages.scored, *stages.published],
        REPLAY: scoring,
        RESCORE: [*stages.scored, *stages.published],
        PUBLISH: stages.published,
    }
    return {name: _job(name, each, partitions, text=TOLD[name]) for name, each in assets.items()}


def _job(
    name: str, assets: Assets, partitions: dg.PartitionsDefinition[str], *, text: str
) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*assets),
        partitions_def=partitions,
        # Steps take seconds; a process per step would cost ten seconds of imports each.
        executor_def=dg.in_process_executor,
        tags=dict(RUN_TAGS),
        description=text,
    )
