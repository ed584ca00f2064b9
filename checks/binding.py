"""Bind pure checks to assets: Dagster carries the verdicts."""

from collections.abc import Callable
from datetime import date

import dagster as dg

from assets.defs import PARTITION_TAG
from assets.keys import Key
from assets.lifecycle.report.plots import as_markdown
from assets.ports import Warehouse
from assets.transform.remediation import NEXT_STEP
from checks.remediation import next_step_of
from checks.verdict import Verdict

Judge = Callable[[dg.AssetCheckExecutionContext, Warehouse], Verdict]


def check_of(
    key: Key, name: str, judge: Judge, *, why: Callable[..., object], is_blocking: bool = True
) -> dg.AssetChecksDefinition:
    """A check of ``key``; the first line of ``why``'s docstring is what the UI says it proves.

    Raises:
        KeyError: when no next step is told for ``name``.
    """
    next_step = next_step_of(name)

    @dg.asset_check(
        asset=dg.AssetKey(key),
        name=name,
        blocking=is_blocking,
        description=(why.__doc__ or "").strip().splitlines()[0],
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


def _metadata(verdict: Verdict, *, next_step: str) -> dict[str, dg.MetadataValue]:
    """What to do next, what to look at, and the numbers; a browser follows no link from the UI to a file."""
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
    """A judge of one as-of day: that of the run."""
    return lambda context, warehouse: judge(warehouse, as_of_run(context))


def as_of_run(context: dg.AssetCheckExecutionContext) -> date:
    """The as-of day that a run stands on."""
    tag = context.run.tags.get(PARTITION_TAG)
    if tag is None:
        raise dg.Failure(
            "checks are run for one as-of day: launch them with a partition", allow_retries=False
        )
    return date.fromisoformat(tag)
