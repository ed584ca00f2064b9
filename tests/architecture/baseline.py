"""Baselines of the architecture tests: counts of offenders that may only shrink.

A baseline holds one line per area and rule, ``<area> <rule> <count>``. A count above it fails, and so does
one below it, until ``--write`` has lowered the baseline. No file and no line: nothing may offend.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CODE = ("assets", "checks", "orchestration", "benchmarks")
SHOWN = 20


class Offender(NamedTuple):
    """One place that breaks a rule; ``weight`` is what it adds to the baseline's line."""

    path: str
    line: int
    area: str
    rule: str
    text: str = ""
    weight: int = 1

    @property
    def key(self) -> str:
        """Area and rule, as the baseline's line starts."""
        return f"{self.area} {self.rule}"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}{f' ({self.text})' if self.text else ''}"


Scan = Callable[[Path, Sequence[str]], list[Offender]]


def counts_of(offenders: Iterable[Offender]) -> Counter[str]:
    """The counts per area and rule."""
    counts: Counter[str] = Counter()
    for each in offenders:
        counts[each.key] += each.weight
    return counts


def read(baseline: Path) -> Counter[str]:
    """The counts in ``baseline``; empty when there is no such file.

    Raises:
        ValueError: A line is not ``<area> <rule> <count>``, as after a merge with conflicts.
    """
    lines = baseline.read_text(encoding="utf-8").splitlines() if baseline.exists() else []
    counts: Counter[str] = Counter()
    for line in lines:
        key, _, count = line.rpartition(" ")
        if not count.isdigit() or key.startswith(("<", "=", ">")):
            raise ValueError(f"{baseline.name}: {line!r} is not '<area> <rule> <count>'")
        counts[key] += int(count)
    return counts


def differences(
    offenders: Sequence[Offender], *, baseline: Path, command: str, root: Path = ROOT
) -> list[str]:
    """What differs from ``baseline``, one message per line of it; empty when nothing does.

    Args:
        offenders: Everything that offends now.
        baseline: The committed counts.
        command: What a person types to list offenders and to lower the baseline.
        root: Folder that the offenders' paths start from.
    """
    found, allowed = counts_of(offenders), read(baseline)
    messages = []
    for key in sorted({*found, *allowed}):
        if found[key] > allowed[key]:
            own = sorted((each for each in offenders if each.key == key), key=_newest_first(root))
            listed = "\n  ".join(str(each) for each in own[:SHOWN])
            messages.append(
                f"{key}: {found[key]} exceed the baseline's {allowed[key]}; newest files first:\n  {listed}"
            )
        elif found[key] < allowed[key]:
            messages.append(
                f"{key}: {found[key]} are fewer than the baseline's {allowed[key]}; `{command} --write`"
            )
    return messages


def write(offenders: Sequence[Offender], *, baseline: Path) -> list[str]:
    """Lower ``baseline`` to what offends now; returns why it was not written.

    Per rule only the total over all areas is compared, so that code can move from one area to another.
    An empty baseline is deleted.
    """
    found, allowed = counts_of(offenders), read(baseline)
    totals, most = _by_rule(found), _by_rule(allowed)
    risen = [f"{rule}: {totals[rule]} > {most[rule]}" for rule in sorted(totals) if totals[rule] > most[rule]]
    if risen:
        return risen
    if found:
        lines = (f"{key} {count}\n" for key, count in sorted(found.items()))
        baseline.write_text("".join(lines), encoding="utf-8")
    else:
        baseline.unlink(missing_ok=True)
    return []


def command_line(scan: Scan, *, baseline: Path, about: str, arguments: Sequence[str] | None = None) -> int:
    """List offenders below the given paths, or lower the baseline; returns the exit code.

    Args:
        scan: Finds the offenders below a root and paths in it.
        baseline: The committed counts.
        about: First line of the command's help.
        arguments: What was typed after the command; ``None`` takes it from the process.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("paths", nargs="*", help="files or folders to list; none for everything")
    parser.add_argument("--write", action="store_true", help="lower the baseline to what offends now")
    given = parser.parse_args(arguments)
    if given.write:
        refused = write(scan(ROOT, ()), baseline=baseline)
        sys.stderr.write("".join(f"not written, a count rose: {each}\n" for each in refused))
        return 1 if refused else 0
    offenders = scan(ROOT, [_in_repository(path) for path in given.paths])
    sys.stdout.write("".join(f"{each}\n" for each in sorted(offenders)))
    sys.stderr.write(f"{sum(each.weight for each in offenders)} in all\n")
    return 1 if offenders else 0


def is_below(path: str, paths: Sequence[str]) -> bool:
    """Whether ``path`` is one of ``paths`` or in one of them; with no ``paths`` everything is."""
    return not paths or any(path == each or path.startswith(f"{each}/") or each == "." for each in paths)


def _in_repository(path: str) -> str:
    absolute = Path(path).resolve()
    if not absolute.exists():
        raise FileNotFoundError(path)
    return absolute.relative_to(ROOT.resolve()).as_posix()


def _by_rule(counts: Counter[str]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for key, count in counts.items():
        totals[key.partition(" ")[2]] += count
    return totals


def _newest_first(root: Path) -> Callable[[Offender], tuple[float, str, int]]:
    def order(each: Offender) -> tuple[float, str, int]:
        return (-(root / each.path).stat().st_mtime, each.path, each.line)

    return order
