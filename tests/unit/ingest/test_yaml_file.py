"""A business's YAML means one thing, and its name is a folder of its own."""

from pathlib import Path

import pytest

from assets.ingest.config.business import BusinessInvalid, business_from
from assets.ingest.config.yaml_file import read_document


def refusal(folder: Path, text: str) -> str:
    file = folder / "shop.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BusinessInvalid) as refused:
        read_document(file)
    message = str(refused.value)
    assert message.startswith(str(file))
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "last_day: 2023-01-01\ntitle: x\nlast_day: 2023-02-01\n",
            "line 3: key 'last_day' is given twice, on lines 1 and 3",
        ),
        (
            "sources:\n  - columns:\n      quantity: qty\n      quantity: price\n",
            "line 4: key 'quantity' is given twice",
        ),
        ('sources:\n  - {name: a, "name": b}\n', "line 2: key 'name' is given twice"),
        ("rates: {1: 1, 0x1: 2}\n", "key '1' is given twice"),
        ("last_day: 2023-02-31\n", "line 1: '2023-02-31' cannot be read (day is out of range for month"),
        ("title: " + "[" * 3000 + "\n", "is nested too deeply"),
    ],
)
def test_a_key_given_twice_or_an_impossible_value_is_refused_with_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    assert words in refusal(tmp_path, text)


def test_a_merged_mapping_may_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text("a: &a {x: 1, y: 2}\nb: &b\n  <<: *a\n  x: 3\nc:\n  <<: *b\n  y: 4\n", encoding="utf-8")
    assert read_document(file) == {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}, "c": {"x": 3, "y": 4}}


@pytest.mark.parametrize("name", ["...yaml", ".yaml.yaml", "keys.yaml", "Dagster.yaml"])
def test_a_business_may_not_have_the_name_of_a_folder_of_all(tmp_path: Path, name: str) -> None:
    with pytest.raises(BusinessInvalid, match="rename the file"):
        business_from({}, file=tmp_path / name, data_dir=tmp_path, landing_dir=tmp_path)


@pytest.mark.parametrize("other", ["café.yml", "Café.yaml", "cafe\u0301.yaml"])
def test_two_files_may_not_share_one_folder(tmp_path: Path, other: str) -> None:
    for name in ("café.yaml", other):
        (tmp_path / name).touch()
    with pytest.raises(BusinessInvalid, match="rename one of the two files"):
        business_from({}, file=tmp_path / "café.yaml", data_dir=tmp_path, landing_dir=tmp_path)
