"""Checks of shape: nothing lost, nothing doubled, every column what its contract says."""

from collections.abc import Sequence

import pandas as pd
import pandera.pandas as pa

from checks.verdict import Verdict

# Enough violated rules to see the pattern; the rest is a count.
SHOWN_VIOLATIONS = 3


def every_row_is_accounted_for(landings: pd.DataFrame) -> Verdict:
    """Rows in = rows loaded + rows rejected, for each file.

    Args:
        landings: One row per landed file with ``source_file``, ``rows_in``, ``rows_loaded`` and
            ``rows_rejected``.
    """
    gap = landings["rows_in"] - landings["rows_loaded"] - landings["rows_rejected"]
    torn = landings.loc[gap != 0]
    reason = f"{int(landings['rows_in'].sum()):,} rows in {len(landings)} files: each is loaded or rejected"
    if len(torn):
        worst = torn.iloc[0]
        reason = (
            f"{len(torn)} of {len(landings)} files lost or doubled rows, {int(gap.abs().sum()):,} in all; "
            f"{worst['source_file']}: {worst['rows_in']} in, {worst['rows_loaded']} loaded, "
            f"{worst['rows_rejected']} rejected. Land again; if it stays, the landing code is wrong."
        )
    return Verdict(
        passed=torn.empty,
        reason=reason,
        value=float(gap.abs().sum()),
        threshold=0.0,
        evidence={"n": float(landings["rows_in"].sum())},
    )


def every_file_is_readable(unreadable: Sequence[str], *, files: int) -> Verdict:
    """No delivered file had to be put aside as a whole.

    Args:
        unreadable: One sentence per file that was, with what to do.
        files: Files delivered, those included.
    """
    shown = "; ".join(unreadable[:SHOWN_VIOLATIONS])
    more = f"; and {len(unreadable) - SHOWN_VIOLATIONS} more" * (len(unreadable) > SHOWN_VIOLATIONS)
    return Verdict(
        passed=not unreadable,
        reason=f"{len(unreadable)} of {files:,} files could not be read: {shown}{more}"
        if unreadable
        else f"{files:,} files, each of them readable",
        value=float(len(unreadable)),
        threshold=0.0,
        evidence={"n": float(files)},
    )


def cohort_is_scored_once(*, cohort: int, scored: int, strangers: int) -> Verdict:
    """The scored customers are the cohort: nobody missing, nobody invented.

    Args:
        cohort: Customers in the features of the as-of day.
        scored: Of those, customers with a score row.
        strangers: Score rows of customers who are not in the cohort.
    """
    return Verdict(
        passed=cohort == scored and strangers == 0,
        reason=f"{scored:,} of {cohort:,} customers have a row, {strangers:,} rows belong to nobody",
        value=float(cohort - scored + strangers),
        threshold=0.0,
        evidence={"n": float(cohort)},
    )


def rows_match_contract(rows: pd.DataFrame, contract: pa.DataFrameSchema) -> Verdict:
    """Every column is there, typed and within its bounds.

    The failing values themselves stay out of the verdict: it is shown in logs, and they may be personal.
    """
    try:
        contract.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as error:
        broken = _named(error.failure_cases).groupby(["column", "check"], dropna=False).size()
        shown = "; ".join(
            f"{where[0]}: {where[1]} ({count:,} rows)"
            for where, count in zip(broken.index[:SHOWN_VIOLATIONS], broken[:SHOWN_VIOLATIONS], strict=True)
        )
        return Verdict(
            passed=False,
            reason=f"{len(broken)} rules broken in {len(rows):,} rows: {shown}",
            value=float(len(broken)),
            threshold=0.0,
            evidence={"n": float(len(rows))},
        )
    return Verdict(
        passed=True,
        reason=f"{len(rows):,} rows keep all {len(contract.columns)} column rules",
        value=0.0,
        threshold=0.0,
        evidence={"n": float(len(rows))},
    )


def _named(cases: pd.DataFrame) -> pd.DataFrame:
    """Failure cases by column; where a whole column is missing, pandera has it as the failing value."""
    is_about_column = cases["check"].isin(["column_in_dataframe", "column_in_schema"])
    named: pd.Series[str] = cases["column"].mask(is_about_column, cases["failure_case"])
    return cases.assign(column=named)
