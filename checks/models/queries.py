"""What the tables hold of one problem and morning, for those who judge it."""

from datetime import date

import pandas as pd

from assets.keys import LEVELS, RETRAIN_LOG
from assets.ports import Warehouse
from assets.supervised.data.dataset import INELIGIBLE, cohort_sql
from assets.supervised.problem import PredictionProblem


def scores_of(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> pd.DataFrame:
    """The rows of one morning, in the published columns."""
    return warehouse.read(f"select * from {problem.scores.sql} where as_of_date = $as_of", {"as_of": as_of})


def withheld_of(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> str | None:
    """Why the morning's scores were withheld; ``None`` when some were made."""
    rows = warehouse.read(
        f"select reasons from {RETRAIN_LOG.sql} "
        "where model_name = $name and as_of_date = $as_of and decision = 'withhold'",
        {"name": problem.name, "as_of": as_of},
    )
    scored = len(scores_of(problem, warehouse, as_of)) > 0
    return None if scored or rows.empty else str(rows["reasons"].iloc[0])


def levels_of(problem: PredictionProblem, warehouse: Warehouse) -> pd.DataFrame:
    """Every morning's total, oldest first."""
    return warehouse.read(
        f"select * from {LEVELS.sql} where model_name = $name order by as_of_date", {"name": problem.name}
    )


def cohort_of(problem: PredictionProblem, warehouse: Warehouse, as_of: date) -> dict[str, int]:
    """How many customers the morning has, how many of them are scored, and how many others are.

    With the reason, so that whoever stands on the wrong side of the question counts as missing.
    """
    who = f"select {problem.entity_id}, {INELIGIBLE} from {{}} where as_of_date = $as_of"
    cohort, scored = (who.format(source) for source in (cohort_sql(problem), problem.scores.sql))
    counted = warehouse.read(
        f"""
        select
            (select count(*) from ({cohort})) as cohort,
            (select count(*) from ({cohort} intersect {scored})) as scored,
            (select count(*) from (({scored}) except ({cohort}))) as strangers
        """,
        {"as_of": as_of},
    ).iloc[0]
    return {name: int(counted[name]) for name in ("cohort", "scored", "strangers")}
