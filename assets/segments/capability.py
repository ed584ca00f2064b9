"""Segments of customers by two schemes: a rule on recency, frequency and value, and clusters of behaviour."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from assets.features.matrix import refuse_late_knowledge
from assets.keys import Key
from assets.lifecycle.capability import (
    Capability,
    Champion,
    Evaluation,
    Fit,
    MetricKey,
    NothingToScore,
    ScoreTable,
    TrainingRecord,
)
from assets.lifecycle.cohort import with_consent
from assets.lifecycle.gate import Decision
from assets.lifecycle.report.grade import GRADES, Grade
from assets.lifecycle.report.model_card import markdown_table
from assets.lifecycle.store.fingerprints import rows_hash
from assets.lifecycle.store.metric_lookup import overall
from assets.lifecycle.store.schemas import BIN_TYPES, typed
from assets.metrics.bootstrap import Interval
from assets.ports import Warehouse
from assets.segments.clustering import (
    NoSegments,
    SegmentationModel,
    adjusted_rand,
    compare_silhouettes,
    fit_segments,
    select_segments,
    unfit_reason,
)
from assets.segments.matching import SegmentKeys, highest_key
from assets.segments.metric_rows import SEGMENTS_TRIED, metric_rows
from assets.segments.profiles import profile_plot, profile_rows
from assets.segments.scaling import FeatureScaler, fit_scalers
from assets.segments.score_rows import RFM_RULE, CustomerBatch, RfmRule, ServingModel, score_rows
from assets.segments.spec import BEHAVIOUR, GRADE_BOUNDS, RFM, SEGMENTATION, SegmentationSpec

NOT_PROMOTED = "segmentation_not_promoted"
# Sixteen characters, the length that the hash wants. The same customers are drawn every week.
SAMPLE_SALT = "segments-sample1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFeatures:
    """Features of the customers of one as-of date who may be profiled.

    Attributes:
        as_of: The as-of date.
        rows: One row per customer, by id.
        sample: At most ``fit_rows`` of them, drawn by a hash of the customer: the same ones every week.
        keys_used: Highest number of a published segment key, on whatever as-of date.
    """

    as_of: date
    rows: pd.DataFrame
    sample: pd.DataFrame
    keys_used: int


class SegmentsCapability(Capability[CustomerFeatures, ServingModel, CustomerBatch, None]):
    """Segments of customers on the one lifecycle."""

    def __init__(self, segmentation: SegmentationSpec) -> None:
        self.segmentation = segmentation
        self.spec = segmentation.lifecycle_spec()

    def load(self, warehouse: Warehouse, *, as_of: date) -> CustomerFeatures:
        rows = self._rows(warehouse, self.segmentation.features, as_of=as_of)
        refuse_late_knowledge(rows)
        hashes = pd.util.hash_array(
            rows["customer_id"].to_numpy(dtype=object), hash_key=SAMPLE_SALT, categorize=False
        )
        drawn = np.argsort(hashes, kind="stable")[: self.segmentation.fit_rows]
        keys_used = self._keys_used(warehouse)
        return CustomerFeatures(as_of=as_of, rows=rows, sample=rows.iloc[drawn], keys_used=keys_used)

    def data_hash(self, data: CustomerFeatures) -> str:
        return rows_hash(data.sample)

    def baseline(self, data: CustomerFeatures) -> Fit[ServingModel]:
        """The RFM rule, with the reason why there are no segments by behaviour."""
        try:
            select_segments(data.sample, self.segmentation)
        except NoSegments as none:
            rule = RfmRule(reason=none.code)
        else:
            rule = RfmRule(reason=NOT_PROMOTED)
        record = self._record(data, params={"rule": RFM_RULE, "reason": rule.reason})
        return Fit(model=rule, record=record)

    def backtest(
        self, data: CustomerFeatures, *, champion: Champion[ServingModel] | None, version: str
    ) -> Evaluation[ServingModel]:
        selection = select_segments(data.sample, self.segmentation)
        serving = _segmentation_of(champion)
        unfit, differences = self._compare(data, selection.best.k, serving) if serving else ("", {})
        key = MetricKey(model_name=self.spec.name, model_version=version, split="test", as_of_date=data.as_of)
        first = "" if serving else "the first segmentation, promoted without comparison: "
        return Evaluation(
            metrics=metric_rows(selection, key=key, differences=differences),
            bins=typed([], BIN_TYPES),
            champion_unfit=unfit,
            notes=(f"{first}{selection.best}",),
            params={"k": selection.best.k},
        )

    def fit(
        self,
        data: CustomerFeatures,
        *,
        params: Mapping[str, Any],
        champion: Champion[ServingModel] | None,
    ) -> Fit[ServingModel]:
        model = self._segments(data, int(params["k"]), _segmentation_of(champion))
        return Fit(model=model, record=self.record(data, params=params))

    def rows_to_score(self, warehouse: Warehouse, *, as_of: date) -> Iterator[CustomerBatch]:
        behaviour, rfm = (
            self._rows(warehouse, key, as_of=as_of).merge(
                self._previous_keys(warehouse, scheme, as_of=as_of), on="customer_id", how="left"
            )
            for key, scheme in ((self.segmentation.features, BEHAVIOUR), (self.segmentation.rfm, RFM))
        )
        if behaviour.empty and rfm.empty:
            raise NothingToScore(f"no customer of {as_of} may be profiled: there is nobody to score")
        yield CustomerBatch(behaviour=behaviour, rfm=rfm)

    def score(self, model: ServingModel, batch: CustomerBatch, state: None) -> pd.DataFrame:
        del state
        return score_rows(model, batch)

    def complete(
        self, scored: pd.DataFrame, *, data: CustomerFeatures, state: None, key: MetricKey
    ) -> ScoreTable:
        del state
        agreement = {
            scheme: adjusted_rand(rows["segment_key"], rows["previous_segment_key"])
            for scheme, rows in scored.groupby("scheme")
        }
        rows = scored.assign(
            model_version=scored["model_version"].fillna(key.model_version),
            stability_ari=scored["scheme"].map(agreement),
            size=scored.groupby(["scheme", "segment_key"])["customer_id"].transform("size"),
        )
        profiles = profile_rows(
            rows.assign(model_name=key.model_name),
            data.rows,
            columns=self.segmentation.columns,
            as_of=data.as_of,
        )
        return ScoreTable(rows=rows, side_tables={self.segmentation.profiles: profiles})

    def record(self, data: CustomerFeatures, *, params: Mapping[str, Any]) -> TrainingRecord:
        return self._record(data, params={"k": params.get("k", 0), **asdict(self.segmentation.rules)})

    def grade(self, metrics: pd.DataFrame, decision: Decision) -> Grade:
        """The best grade of which stability and silhouette both reach the bound.

        Excellent: adjusted Rand index 0.95 and silhouette 0.70; Good: 0.90 and 0.50; Fair: 0.80 and 0.25;
        Poor otherwise. Stability is that of fits on two halves of the customers.

        Args:
            metrics: Rows of one version; those for all customers are read.
            decision: Not read: stability and silhouette are those of the candidate alone.

        Source:
            Kaufman & Rousseeuw 1990, Finding Groups in Data (above 0.70 a strong structure, above 0.50 a
            reasonable one, above 0.25 a weak one).
        """
        del decision
        reached = [overall(metrics, name).value for name in ("stability_ari", "silhouette")]
        return next(
            each
            for each in GRADES
            if all(value >= bound for value, bound in zip(reached, GRADE_BOUNDS[each.name], strict=True))
        )

    def to_artifact(self, model: ServingModel) -> tuple[object, Mapping[str, Any]]:
        if isinstance(model, RfmRule):
            return RFM_RULE, asdict(model)
        scalers = [asdict(scaler) for scaler in model.scalers]
        return model.kmeans, {"scalers": scalers, "segment_keys": asdict(model.segment_keys)}

    def from_artifact(self, stored: Any, facts: Mapping[str, Any]) -> ServingModel:  # noqa: ANN401 - as stored
        if not isinstance(stored, KMeans):
            return RfmRule(reason=str(facts["reason"]))
        keys = facts["segment_keys"]
        return SegmentationModel(
            kmeans=stored,
            scalers=tuple(FeatureScaler(**each) for each in facts["scalers"]),
            segment_keys=SegmentKeys(
                keys=tuple(keys["keys"]), names=tuple(keys["names"]), keys_used=int(keys["keys_used"])
            ),
        )

    def card_sections(
        self, registry: Mapping[str, Any], metrics: pd.DataFrame, bins: pd.DataFrame
    ) -> Mapping[str, str]:
        del registry, bins
        whole = metrics.loc[metrics["slice_name"] == "all"].sort_values("metric")
        cells = [
            (row["metric"], *(_number(row[name]) for name in ("value", "ci_lo", "ci_hi")), row["n"])
            for row in whole.to_dict("records")
        ]
        return {"Segments": markdown_table(("metric", "value", "from", "to", "customers"), cells)}

    def describe_evaluation(self, metrics: pd.DataFrame, bins: pd.DataFrame) -> Mapping[str, Any]:
        del bins
        tried = metrics.loc[metrics["slice_name"] == SEGMENTS_TRIED]
        table = tried.pivot_table(index="slice_value", columns="metric", values="value", sort=False)
        return {"tried": table.rename_axis("segments").reset_index()}

    def describe_scores(self, warehouse: Warehouse, rows: pd.DataFrame) -> Mapping[str, Any]:
        segments = rows.groupby("scheme")["segment_key"].nunique()
        profiles = warehouse.read(
            f"select * from {self.segmentation.profiles.sql} where as_of_date = $as_of",
            {"as_of": rows["as_of_date"].iloc[0] if len(rows) else None},
        )
        return {
            **{f"segments_{scheme}": int(segments.get(scheme, 0)) for scheme in (RFM, BEHAVIOUR)},
            **{f"profiles_{scheme}": _heat_map(profiles, scheme) for scheme in (BEHAVIOUR, RFM)},
        }

    def _rows(self, warehouse: Warehouse, key: Key, *, as_of: date) -> pd.DataFrame:
        """Rows of one as-of date of a table, by customer: only of those who may be profiled."""
        table = with_consent(key.sql, self.spec)
        return warehouse.read(
            f"select * from {table} where as_of_date = $as_of order by customer_id", {"as_of": as_of}
        )

    def _keys_used(self, warehouse: Warehouse) -> int:
        if not warehouse.exists(self.spec.scores):
            return 0
        # Of every date: a replayed past date must not give a key away that a newer date has used.
        keys = warehouse.read(
            f"select distinct segment_key from {self.spec.scores.sql} "
            "where scheme = $scheme and segment_key is not null",
            {"scheme": BEHAVIOUR},
        )
        return highest_key(keys["segment_key"])

    def _previous_keys(self, warehouse: Warehouse, scheme: str, *, as_of: date) -> pd.DataFrame:
        """Segment keys of the newest date before ``as_of``."""
        table = self.spec.scores.sql
        return warehouse.read(
            f"select customer_id, segment_key as previous_segment_key from {table} "
            f"where scheme = $scheme and as_of_date = "
            f"(select max(as_of_date) from {table} where scheme = $scheme and as_of_date < $as_of)",
            {"scheme": scheme, "as_of": as_of},
        )

    def _segments(
        self, data: CustomerFeatures, k: int, champion: SegmentationModel | None
    ) -> SegmentationModel:
        return fit_segments(data.sample, self.segmentation, k=k, champion=champion, keys_used=data.keys_used)

    def _compare(
        self, data: CustomerFeatures, k: int, champion: SegmentationModel
    ) -> tuple[str, dict[str, tuple[Interval, int]]]:
        """Why the champion is unfit, or else the silhouette difference against it and its customers."""
        candidate = self._segments(data, k, champion)
        unfit = unfit_reason(champion, candidate, sample=data.sample, segmentation=self.segmentation)
        if unfit:
            return unfit, {}
        few = data.sample.iloc[: self.segmentation.silhouette_rows]
        difference = compare_silhouettes(candidate, champion, few)
        return "", {self.spec.compared.champion_difference: (difference, len(few))}

    def _record(self, data: CustomerFeatures, *, params: Mapping[str, Any]) -> TrainingRecord:
        scalers = fit_scalers(data.sample, self.segmentation.clustering_features)
        return TrainingRecord(
            n_rows=len(data.sample),
            features=tuple(scaler.column for scaler in scalers),
            folds={"train": (data.as_of, data.as_of)},
            params=params,
        )


SEGMENTS = SegmentsCapability(SEGMENTATION)


def _segmentation_of(champion: Champion[ServingModel] | None) -> SegmentationModel | None:
    model = champion.model if champion else None
    return model if isinstance(model, SegmentationModel) else None


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"


def _heat_map(profiles: pd.DataFrame, scheme: str) -> bytes | None:
    rows = profiles.loc[profiles["scheme"] == scheme]
    if rows.empty:
        return None
    return profile_plot(rows, title=f"segments by {scheme}: 100 is the mean of all customers")
