"""A refused value of the YAML is answered in the words of the product, whatever the key."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel

from assets.ingest.config.business import BusinessConfig, BusinessInvalid, SourceConfig, business_from
from assets.ingest.config.simulation import Holdout, Simulation
from assets.ingest.config.source.pull import Database, Declaration, Rest
from assets.ingest.config.validation_words import PATTERNS

FILE = Path("/config/shop.yaml")
SOURCE = {
    "name": "orders",
    "table": "order_lines",
    "files": "{data_dir}/orders.csv",
    "columns": {
        name: name
        for name in ("order_id", "customer_id", "ordered_at", "product_id", "quantity", "unit_price")
    },
}
DOCUMENT: Mapping[str, object] = {
    "title": "Shop",
    "clock": "wall",
    "currency": "EUR",
    "time_zone": "Europe/London",
    "first_as_of_day": "2024-01-01",
    "sources": [SOURCE],
}
PYDANTIC = re.compile(
    r"\b(should|Input|String|Value error|pydantic|type=|instance of|valid (date|integer|number))"
)
WRONG: tuple[object, ...] = (17.5, "!", [], {}, -3, None, True)


def refused(document: Mapping[str, object]) -> str | None:
    try:
        business_from(document, file=FILE, data_dir=Path("/exports"), landing_dir=Path("/landing"))
    except BusinessInvalid as invalid:
        return str(invalid)
    return None


def documents() -> Iterator[Mapping[str, object]]:
    """Each key of each part with each wrong value."""
    yield from ({**DOCUMENT, key: value} for key in BusinessConfig.written_keys() for value in WRONG)
    yield from (
        {**DOCUMENT, "sources": [{**SOURCE, key: value}]}
        for key in SourceConfig.written_keys()
        for value in WRONG
    )
    parts: Mapping[str, type[Declaration]] = {"holdout": Holdout, "simulation": Simulation}
    for part, model in parts.items():
        yield from ({**DOCUMENT, part: {key: value}} for key in model.written_keys() for value in WRONG)
    pulls: Mapping[str, type[Declaration]] = {"database": Database, "rest": Rest}
    for part, model in pulls.items():
        for key in model.written_keys():
            for value in WRONG:
                yield {**DOCUMENT, "sources": [{**SOURCE, "files": [], part: {key: value}}]}


def test_no_refusal_of_a_wrong_value_has_words_of_pydantic() -> None:
    found = [text for document in documents() if (text := refused(document)) is not None]
    assert len(found) > 200
    assert [text for text in found if PYDANTIC.search(text)] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"currency": "euro"}, "currency: 'euro' is not three capital letters such as EUR"),
        ({"clock": "moon"}, "clock: 'moon' is not one of 'wall', 'data'"),
        ({"first_as_of_day": "22.08.2011"}, "first_as_of_day: '22.08.2011' is not a date such as 2024-01-31"),
        (
            {"sources": [{**SOURCE, "name": "My orders"}]},
            "sources.0.name: 'My orders' is not lower-case letters",
        ),
        ({"keep_models": "many"}, "keep_models: 'many' is not a whole number"),
    ],
)
def test_a_refusal_names_the_value_and_what_is_expected(change: Mapping[str, object], words: str) -> None:
    text = refused({**DOCUMENT, **change})
    assert text is not None
    assert text.startswith(f"{FILE}: ")
    assert words in text


def test_every_pattern_of_a_key_has_words() -> None:
    def patterns(model: type[BaseModel]) -> set[str]:
        return set(
            re.findall(r'"pattern": ?"((?:[^"\\]|\\.)*)"', str(model.model_json_schema()).replace("'", '"'))
        )

    declared = {each.replace("\\\\", "\\") for each in patterns(BusinessConfig)}
    assert declared
    assert declared <= set(PATTERNS)
