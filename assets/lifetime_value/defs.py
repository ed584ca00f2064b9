"""The four assets of lifetime value, one of each per as-of morning."""

import dagster as dg

from assets.keys import METRICS
from assets.lifecycle.cohort import ELIGIBILITY
from assets.lifecycle.defs import Told, told_row, told_serving, told_table, weekly_asset
from assets.lifecycle.store import control_tables
from assets.lifetime_value.problem import ValueProblem
from assets.lifetime_value.promote import CARD_FILE, champion
from assets.lifetime_value.propose import ValueMorning, evaluation
from assets.lifetime_value.realise import realised
from assets.lifetime_value.serve import scores

METRICS_SHOWN = ["metric", "value", "ci_lo", "ci_hi"]
TOTALS_SHOWN = ["predicted_value", "predicted_orders", "baseline_value"]


def value_realised_asset(
    problem: ValueProblem, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """What became of published amounts, per morning."""
    return weekly_asset(
        problem, partitions,
        key=problem.realised, deps=(problem.histories, ELIGIBILITY, *problem.labels.values()),
        description="Published amounts against what was then spent, once their windows have ended.",
        occasion=ValueMorning, step=_realised,
    )  # fmt: skip


def value_trained_assets(
    problem: ValueProblem, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The back-test and the version that serves, per morning."""
    return [
        weekly_asset(
            problem, partitions,
            key=problem.evaluation,
            deps=(problem.histories, problem.features, ELIGIBILITY, *problem.labels.values()),
            description=(
                f"{problem.question} BG/NBD with Gamma-Gamma, machine-learned amounts and the naive formula, "
                "each made from what an earlier morning knew and judged by the days that followed."
            ),
            occasion=ValueMorning, step=_evaluation,
        ),
        weekly_asset(
            problem, partitions,
            key=problem.champion, deps=(problem.evaluation,),
            description=(
                "The version that scores from this morning on: the best recipe of the back-test if it may "
                "be promoted, fitted on everything known; else the one before it; else the naive formula."
            ),
            occasion=ValueMorning, step=_champion,
        ),
    ]  # fmt: skip


def value_scores_asset(
    problem: ValueProblem, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """Everyone's outlook, per morning."""
    return weekly_asset(
        problem, partitions,
        key=problem.scores,
        deps=(problem.champion, problem.realised, problem.histories, problem.features, ELIGIBILITY),
        description=(
            "One row per customer, horizon and as-of date: what they will spend and order, with interval, "
            "whether they are a customer still, and when the next order is due."
        ),
        occasion=ValueMorning, step=_scores,
    )  # fmt: skip


def _realised(morning: ValueMorning) -> Told:
    return told_row(realised(morning))


def _evaluation(morning: ValueMorning) -> Told:
    told = told_row(evaluation(morning))
    rows = control_tables.rows_of_version(morning.warehouse, METRICS, morning.version).query(
        "slice_name == 'all'"
    )
    return {**told, "metrics": told_table(rows[METRICS_SHOWN])}


def _champion(morning: ValueMorning) -> Told:
    serving = champion(morning)
    return told_serving(serving, card=morning.folder(serving.model_version) / CARD_FILE)


def _scores(morning: ValueMorning) -> Told:
    rows = scores(morning)
    # A formula that says nothing of orders has no total of them, not a total of 0.
    totals = rows.groupby("horizon_days")[TOTALS_SHOWN].sum(min_count=1)
    return {
        "dagster/row_count": len(rows),
        "totals": told_table(totals.reset_index()),
        "high_value_customers": int(rows["is_high_value"].sum() // len(morning.problem.horizons_days)),
    }
