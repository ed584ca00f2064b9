"""Completeness checks: no row lost or duplicated, no file unreadable, every column as in its contract."""

from collections.abc import Sequence

import pandas as pd
import pandera.pandas as pa

from assets.ingest.loading.load import RejectReason
from checks.verdict import Verdict

# Enough violations to see the pattern; the rest are counted.
SHOWN_VIOLATIONS = 3
SHOWN_REASONS = 5


def every_row_is_accounted_for(load_log: pd.DataFrame) -> Verdict:
    """Rows in = rows loaded + rows rejected + rows left out, for each file.

    Args:
        load_log: (n,) rows, one per file, with ``source``, ``source_file``, ``rows_in``, ``rows_loaded``,
            ``rows_rejected`` and ``rows_left_out``.
    """
    accounted = load_log[["rows_loaded", "rows_rejected", "rows_left_out"]].sum(axis="columns")
    gap = load_log["rows_in"] - accounted
    unbalanced = load_log.loc[gap != 0]
    reason = (
        f"{int(load_log['rows_in'].sum()):,} rows in {len(load_log)} files: each is loaded or rejected"
        f"{_left_out(load_log)}"
    )
    if len(unbalanced):
        worst = unbalanced.iloc[0]
        reason = (
            f"{len(unbalanced)} of {len(load_log)} files lost or duplicated rows, "
            f"{int(gap.abs().sum()):,} in all; "
            f"{worst['source_file']}: {worst['rows_in']} in, {worst['rows_loaded']} loaded, "
            f"{worst['rows_rejected']} rejected, {worst['rows_left_out']} left out. "
            "Load again; if they still differ, the loading code is wrong."
        )
    return _none_wrong(gap.abs().sum(), reason, n=load_log["rows_in"].sum())


def _left_out(load_log: pd.DataFrame) -> str:
    """Name the sources that leave rows out, with their counts."""
    counts = load_log.groupby("source")["rows_left_out"].sum()
    named = [f"{count:,} of source {source}" for source, count in counts.items() if count]
    return f", or left out by where: {', '.join(named)}" if named else ""


def every_file_is_readable(unreadable: Sequence[str], *, files: int) -> Verdict:
    """No delivered file is in quarantine.

    Args:
        unreadable: One sentence per quarantined file, with the remedy.
        files: Number of delivered files, including those.
    """
    shown = "; ".join(unreadable[:SHOWN_VIOLATIONS])
    more = f"; and {len(unreadable) - SHOWN_VIOLATIONS} more" * (len(unreadable) > SHOWN_VIOLATIONS)
    reason = f"{files:,} files, each of them readable"
    if unreadable:
        reason = f"{len(unreadable)} of {files:,} files could not be read: {shown}{more}"
    return _none_wrong(len(unreadable), reason, n=files)


def few_rows_are_rejected(
    counts: pd.DataFrame, reasons: Sequence[RejectReason], *, largest: float
) -> Verdict:
    """Of each source no more rows are rejected than allowed, replaced and erased ones aside.

    Args:
        counts: (n,) sources, by their name, with ``rows_in`` and ``rows_rejected``.
        reasons: The reasons of all rejected rows.
        largest: Largest share of a source's rows that may be missing, in [0, 1].
    """
    missing: dict[str, float] = {}
    for each in counts.reset_index().to_dict("records"):
        replaced = sum(one.rows for one in reasons if one.source == each["source"] and one.is_replaced)
        missing[str(each["source"])] = (each["rows_rejected"] - replaced) / max(each["rows_in"], 1)
    worst = max(missing, key=lambda name: missing[name], default="")
    share = missing.get(worst, 0.0)
    words = "; ".join(
        f"{one.rows:,} rows: {one.reason}" + (f" (remedy: map {one.remedy})" if one.remedy else "")
        for one in [one for one in reasons if one.source == worst and not one.is_replaced][:SHOWN_REASONS]
    )
    reason = f"{worst or 'no source'}: {share:.1%} of the rows are missing, {largest:.0%} allowed"
    return Verdict(
        passed=share <= largest,
        reason=f"{reason}. {words}" if share > largest else reason,
        value=share,
        threshold=largest,
        evidence={"n": float(counts["rows_in"].sum())},
    )


def cohort_is_scored_once(*, cohort: int, scored: int, strangers: int) -> Verdict:
    """The scored customers are exactly the cohort.

    Args:
        cohort: Customers in the features of the as-of date.
        scored: Of those, customers with a score row.
        strangers: Score rows of customers who are not in the cohort.
    """
    reason = f"{scored:,} of {cohort:,} customers have a row, {strangers:,} rows are outside the cohort"
    return _none_wrong(cohort - scored + strangers, reason, n=cohort)


def rows_match_contract(rows: pd.DataFrame, contract: pa.DataFrameSchema) -> Verdict:
    """Every column is present, has its type and is within its bounds.

    The verdict is shown in logs, so it leaves out the failing values, which may be personal.

    Args:
        rows: (n,) rows to validate.
        contract: Their pandera schema.
    """
    try:
        contract.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as error:
        broken = _named(error.failure_cases).groupby(["column", "check"], dropna=False).size()
        shown = "; ".join(
            f"{where[0]}: {where[1]} ({count:,} rows)"
            for where, count in zip(broken.index[:SHOWN_VIOLATIONS], broken[:SHOWN_VIOLATIONS], strict=True)
        )
        reason = f"{len(broken)} rules broken in {len(rows):,} rows: {shown}"
        return _none_wrong(len(broken), reason, n=len(rows))
    return _none_wrong(0, f"{len(rows):,} rows keep all {len(contract.columns)} column rules", n=len(rows))


def _none_wrong(wrong: float, reason: str, *, n: float) -> Verdict:
    """Passed if none of ``n`` is wrong."""
    return Verdict(
        passed=not wrong, reason=reason, value=float(wrong), threshold=0.0, evidence={"n": float(n)}
    )


def _named(cases: pd.DataFrame) -> pd.DataFrame:
    """Failure cases by column; pandera reports the name of a missing column as the failing value."""
    is_about_column = cases["check"].isin(["column_in_dataframe", "column_in_schema"])
    named: pd.Series[str] = cases["column"].mask(is_about_column, cases["failure_case"])
    return cases.assign(column=named)
