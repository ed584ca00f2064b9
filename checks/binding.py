"""Bindings of pure checks to assets: each verdict becomes a Dagster check result."""

from collections.abc import Callable
from datetime import date

import dagster as dg

from assets.defs import PARTITION_TAG
from assets.keys import Key
from assets.lifecycle.report.plots import as_markdown
from assets.ports import Warehouse
from assets.transform.remediation import NEXT_STEP
from checks.remediation import next_step_of
from checks.verdict import Invariant, Verdict, description_of

Judge = Callable[[dg.AssetCheckExecutionContext, Warehouse], Verdict]


# A declaration has one argument for each of its parts.
def check_of(  # noqa: PLR0913
    key: Key,
    name: str,
    judge: Judge,
    *,
    why: Callable[..., object],
    next_step: str | None = None,
    is_blocking: bool = True,
) -> dg.AssetChecksDefinition:
    """Declare a check of an asset.

    Args:
        key: The asset, a table.
        name: The sentence that is true when the check passes, in snake case.
        judge: Computes the verdict from the run and the warehouse.
        why: The first line of its docstring describes the check in the UI.
        next_step: One sentence for the person on call, shown when the check fails; ``None`` takes that of
            ``checks/remediation.py``.
        is_blocking: Whether a failure stops everything downstream.

    Raises:
        KeyError: when ``next_step`` is missing here and in ``checks/remediation.py``.
    """
    next_step = next_step or next_step_of(name)

    @dg.asset_check(
        asset=dg.AssetKey(key),
        name=name,
        blocking=is_blocking,
        description=description_of(why),
        metadata={NEXT_STEP: next_step},
    )
    def _bound(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        verdict = judge(context, warehouse)
        return dg.AssetCheckResult(
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.ERROR if is_blocking else dg.AssetCheckSeverity.WARN,
            description=verdict.reason,
            metadata=_metadata(verdict, next_step=next_step),
        )

    return _bound


def bind(invariant: Invariant) -> dg.AssetChecksDefinition:
    """Bind a capability's own check to its table."""

    def why() -> None: ...

    why.__doc__ = invariant.description
    judge = of_day(invariant.check)
    return check_of(
        invariant.table,
        invariant.name,
        _unless_loading(judge) if invariant.table.schema == "raw" else judge,
        why=why,
        next_step=invariant.next_step,
        is_blocking=invariant.is_blocking,
    )


def _unless_loading(judge: Judge) -> Judge:
    """Bind ``judge`` to runs with an as-of date: job refresh loads exports without one."""

    def judged(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> Verdict:
        if not context.run.tags.get(PARTITION_TAG):
            return Verdict(passed=True, reason="the run has no as-of date to judge the exports on")
        return judge(context, warehouse)

    return judged


def _metadata(verdict: Verdict, *, next_step: str) -> dict[str, dg.MetadataValue]:
    """Next step, pages, plots and numbers; pages as paths, because browsers block links to local files."""
    numbers = {"value": verdict.value, "threshold": verdict.threshold, **verdict.evidence}
    return {
        **({} if verdict.passed else {NEXT_STEP: dg.MetadataValue.text(next_step)}),
        **{name: dg.MetadataValue.path(str(page)) for name, page in verdict.pages.items()},
        **{name: dg.MetadataValue.md(as_markdown(png, text=name)) for name, png in verdict.plots.items()},
        **{
            name: dg.MetadataValue.float(float(number))
            for name, number in numbers.items()
            if number is not None
        },
    }


def of_day(judge: Callable[[Warehouse, date], Verdict]) -> Judge:
    """Bind ``judge`` to the as-of date of the run."""
    return lambda context, warehouse: judge(warehouse, as_of_run(context))


def as_of_run(context: dg.AssetCheckExecutionContext) -> date:
    """The as-of date of the run.

    Raises:
        dagster.Failure: when the run has no partition.
    """
    tag = context.run.tags.get(PARTITION_TAG)
    if tag is None:
        raise dg.Failure("checks run for one as-of date: launch them with a partition", allow_retries=False)
    return date.fromisoformat(tag)
