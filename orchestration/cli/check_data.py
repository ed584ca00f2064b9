"""Load the exports of a business into a temporary database, print what is in them: ``make check-data``."""

import sys
import time

from assets.ingest.config.clock import ServedDate, date_to_serve
from assets.monitoring.readiness.delivery import (
    delivery_lines,
    delivery_of,
    refuse_useless,
    sources_with_too_many_rejects,
)
from orchestration.capabilities import CAPABILITIES
from orchestration.cli.session import UsageError, command
from orchestration.definitions import wall_today
from orchestration.preview import newest_order, previewed, with_files
from orchestration.resources.home import require_own_folder
from orchestration.settings import Settings


@command
def main() -> int:
    """Print what was delivered; returns 2 if a run would stop because of it.

    Raises:
        UsageError: If the exports of a simulated shop have not been made yet.
    """
    started, settings = time.monotonic(), Settings()
    require_own_folder(settings)
    business, specs = settings.load_business(), [each.spec for each in CAPABILITIES]
    refuse_useless(business, specs, file=settings.business_file)
    if business.simulation is not None and not settings.landing_dir.exists():
        raise UsageError(f"{business.name}: its exports are simulated by `make run`, which comes first")
    known = with_files(business)
    with previewed(settings, business) as warehouse:
        served = date_to_serve(business, newest_order(warehouse), wall_today=lambda: wall_today(business))
        found = delivery_of(warehouse, known, specs, as_of=served.as_of)
    lines = [f"{business.title}: what was delivered", *delivery_lines(found, business, as_of=served.as_of)]
    unpulled = [each.name for each in business.sources if each not in known.sources]
    lines += [f"   {name}: `make run` pulls it; nothing has been pulled yet" for name in unpulled]
    sys.stdout.write("\n".join([*lines, f"   {as_of_line(served)}", ""]))
    too_many = sources_with_too_many_rejects(found.sources, largest_share=business.largest_reject_share)
    for source in too_many:
        sys.stdout.write(
            f"   `make run` would stop: {source.rows_missing:,} of {source.rows_in:,} rows of {source.name} "
            f"are rejected, and largest_reject_share allows {business.largest_reject_share:.0%}\n"
        )
    sys.stdout.write(f"   nothing was written; took {time.monotonic() - started:.1f} s\n")
    return 2 if too_many else 0


def as_of_line(served: ServedDate) -> str:
    """The words that name the as-of date of a run, and why it is this one."""
    return f"as-of date {served.as_of}" + (f": {served.reason}" if served.reason else "")


if __name__ == "__main__":
    sys.exit(main())
