"""Presets of sources: mappings of well-known exports, which a business's YAML takes over and may override."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path

from assets import ASSETS
from assets.ingest.config.business import BusinessInvalid

PRESETS = ASSETS.parent / "config" / "presets"
PRESET = "preset"


def with_presets(
    document: Mapping[str, object], *, file: Path, read: Callable[[Path], Mapping[str, object]]
) -> Mapping[str, object]:
    """Fill in the presets that the sources of a business name.

    A source's own keys win over those of its preset, and inside ``columns`` and other mappings key by key; a
    key that is null is left out.

    Args:
        document: The parsed YAML of the business.
        file: Its path, for errors.
        read: Reads the YAML of a preset.

    Raises:
        BusinessInvalid: when there is no such preset; names the nearest one.
    """
    sources = document.get("sources")
    if not isinstance(sources, list):
        return document
    return {**document, "sources": [_filled(source, file=file, read=read) for source in sources]}


def _filled(source: object, *, file: Path, read: Callable[[Path], Mapping[str, object]]) -> object:
    if not isinstance(source, Mapping) or PRESET not in source:
        return source
    name, known = str(source[PRESET]), sorted(path.stem for path in PRESETS.glob("*.yaml"))
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        meant = f": did you mean {near[0]!r}?" if near else ""
        raise BusinessInvalid(f"{file}: preset {name!r} is not one of {', '.join(known)}{meant}")
    own = {key: value for key, value in source.items() if key != PRESET}
    return _merged(read(PRESETS / f"{name}.yaml"), own)


def _merged(preset: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    merged = dict(preset)
    for key, value in own.items():
        before = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(before, Mapping)
        merged[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return {key: value for key, value in merged.items() if value is not None}
