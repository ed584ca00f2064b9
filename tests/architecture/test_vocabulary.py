"""The words that the glossary refuses are found wherever they stand, and none is added."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.architecture import baseline, vocabulary
from tests.architecture.baseline import ROOT, Offender


def scan(root: Path, files: Mapping[str, str], *paths: str) -> list[tuple[str, int, str]]:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return sorted((each.path, each.line, each.rule) for each in vocabulary.scan(root, paths))


def test_refused_words_are_as_many_as_the_baseline_allows() -> None:
    offenders = vocabulary.scan(ROOT)
    differs = baseline.differences(offenders, baseline=vocabulary.BASELINE, command=vocabulary.COMMAND)
    assert not differs, "\n".join(differs)


def test_every_folder_and_file_that_people_read_is_covered() -> None:
    covered = {path.partition("/")[0] for path in vocabulary.covered(ROOT)}
    there = {name for name in (*vocabulary.FOLDERS, *vocabulary.FILES) if (ROOT / name).exists()}
    assert covered == there
    assert {"assets", "dbt_project", "README.md", "Makefile"} <= covered


@pytest.mark.parametrize("word", vocabulary.REFUSED_NAMES)
def test_each_refused_name_is_found_with_underscores_and_capitals(tmp_path: Path, word: str) -> None:
    rule = f"identifiers {word}"
    code = f"keep_{word}_of = 1\n\n\nclass New{word.title()}Row:\n    {word.upper()} = 1\n"
    found = scan(tmp_path, {"assets/a.py": code, "dbt_project/models/a.sql": f"select 1 as {word}s\n"})
    assert found == [
        ("assets/a.py", 1, rule),
        ("assets/a.py", 4, rule),
        ("assets/a.py", 5, rule),
        ("dbt_project/models/a.sql", 1, rule),
    ]


def test_a_word_inside_another_word_is_not_refused(tmp_path: Path) -> None:
    code = "mushroom = retold = unsaid = 'intwined'\nbroom_sale = 'a satellite, survived, and a mourning'\n"
    assert scan(tmp_path, {"assets/a.py": code}) == []


# One row per phrase: the text, and the rule that refuses it.
PHRASES = (
    ("rows known that morning", "morning"),
    ("two Mornings later", "morning"),
    ("its twin's folder", "twin"),
    ("the rivals of the model", "rival"),
    ("read in an anteroom", "anteroom"),
    ("the narrator prints it", "narrator"),
    ("for whoever asks", "whoever"),
    ("for whomever it serves", "whoever"),
    ("written anew", "anew"),
    ("as it was lived", "lived"),
    ("the vault is told", "is_told"),
    ("lines that cannot be told apart", "is_told"),
    ("a reason which was never\ntold", "is_told"),
    ("rows of whom nothing is known", "of_whom"),
    ("what became of the scores", "what_became_of"),
    ("what has become\nof them", "what_became_of"),
)


@pytest.mark.parametrize(("text", "word"), PHRASES)
def test_each_refused_phrase_is_found_in_every_kind_of_prose(tmp_path: Path, text: str, word: str) -> None:
    first, _, rest = text.partition("\n")
    hashed = f"# {first}\n" + (f"# {rest}\n" if rest else "")
    joined = text.replace("\n", " ")
    files = {
        "assets/docstring.py": f'"""{text}"""\n',
        "assets/comment.py": f"x = 1\n{hashed}y = 2\n",
        "assets/literal.py": f'x = 1\nraise ValueError(\n    f"{{x}} rows, "\n    "{joined}"\n)\n',
        "dbt_project/models/jinja.sql": f"{{# {text} #}}\nselect 1\n",
        "dbt_project/models/dashes.sql": "select 1\n" + hashed.replace("#", "--"),
        "dbt_project/models/texts.yml": f"models:\n- name: a\n  description: {joined}\n",
        "dbt_project/models/folded.yml": "a: >\n  rows\n  " + text.replace("\n", "\n  ") + "\n",
        "config/comment.yaml": f"a: 1  # {joined}\nb: 2\n",
        "docs/page.md": f"# Page\n\nText: {text}.\n",
        "assets/page.md.j2": f"{{{{ title }}}}\n{text}\n",
        "README.md": f"{text}\n",
        "Makefile": f"{hashed}all:\n\techo done\n",
        "pyproject.toml": f"[tool.x]\n{hashed}a = 1\n",
    }
    found = scan(tmp_path, files)
    assert sorted(path for path, _, _ in found) == sorted(files)
    assert {rule for _, _, rule in found} == {f"prose {word}"}


def test_the_line_is_that_of_the_word(tmp_path: Path) -> None:
    files = {
        "assets/a.py": '"""First.\n\nNo twin.\n"""\n\n# One.\n# Mornings.\nx = (\n    "a "\n    "rival"\n)\n',
        "dbt_project/a.yml": "a: >\n  nothing\n  a twin\n  another twin\nb: |\n  fine\n  anew\n",
        "dbt_project/a.sql": "{# One row per\n   morning. #}\nselect 1\n\n-- fine\n-- lived\n",
    }
    assert scan(tmp_path, files) == [
        ("assets/a.py", 3, "prose twin"),
        ("assets/a.py", 7, "prose morning"),
        ("assets/a.py", 10, "prose rival"),
        ("dbt_project/a.sql", 2, "prose morning"),
        ("dbt_project/a.sql", 6, "prose lived"),
        ("dbt_project/a.yml", 3, "prose twin"),
        ("dbt_project/a.yml", 4, "prose twin"),
        ("dbt_project/a.yml", 7, "prose anew"),
    ]


# One row per place of a name: the file and its text.
NAMES = {
    "assets/names.py": "import assets.journal.x\n",
    "assets/names_from.py": "from assets.x import y as journal\n",
    "assets/parameter.py": "def f(journal: int) -> int: ...\n",
    "assets/keyword.py": "f(journal=1)\n",
    "assets/attribute.py": "x.journal\n",
    "assets/key.py": 'KEY = "churn__journal"\n',
    "assets/filled_in.py": 'KEY = f"{name}_journal"\n',
    "assets/environment.py": 'X = "JOURNAL_DIR"\n',
    "assets/sql_text.py": 'X = f"select a from {b} as journal"\n',
    "assets/quoted.py": '"""Rows of ``journal``."""\n',
    "assets/bare.py": '"""Rows of write_journal and others."""\n',
    "assets/in_code.j2": "a {% for each in journal %}{{ each }}{% endfor %}\n",
    "assets/in_value.j2": "a {{ journal.name }} b\n",
    "dbt_project/macros/a.sql": "{% macro journal() %} 1 {% endmacro %}\n",
    "dbt_project/models/a.sql": "select a.journal from a\n",
    "dbt_project/models/literal.sql": "select 'journal' as a\n",
    "dbt_project/models/a.yml": "models:\n  - name: all_journals\n",
    "config/a.yaml": "journal: 1\n",
    "docs/a.md": "The table `ml.journal` holds them.\n",
    "Makefile": "journal: all\n\techo\n",
    "pyproject.toml": '[tool.x]\n"assets/journal.py" = ["S608"]\n',
    "tests/journal.py": "x = 1\n",
    "assets/journals/x.py": "x = 1\n",
}


@pytest.mark.parametrize("path", NAMES)
def test_names_are_found_wherever_they_stand(tmp_path: Path, path: str) -> None:
    found = scan(tmp_path, {path: NAMES[path]})
    assert [(where, rule) for where, _, rule in found] == [(path, "identifiers journal")]


def test_a_folder_counts_once(tmp_path: Path) -> None:
    found = scan(tmp_path, {"assets/rooms/a.py": "", "assets/rooms/b.py": "", "assets/rooms/c/d.py": ""})
    assert [rule for _, _, rule in found] == ["identifiers room"]


EXEMPT = {
    "docs/glossary.md": "morning is refused\n",
    "docs/CHANGELOG.md": "`twin_hashes` became `vintage_hashes`, no twin.\n",
    "docs/decisions/0001-twin.md": "A twin.\n",
    "assets/sample_shop/reviews/texts.py": 'TEXTS = ("a cup for the morning", "room")\n',
    "assets/sqlite.py": 'PRAGMA = "pragma journal_mode=wal"\nFILE = f"{name}.sqlite-journal"\n',
    "assets/ordinary.py": '"""Nobody said it; a journal, a room with a recipe; a long-lived connection."""\n',
    "docs/ordinary.md": "He told us what was said on that occasion; it became what it is.\n",
    "orchestration/target/a.sql": "select morning\n",
    "other/a.py": "morning = 1\n",
}


@pytest.mark.parametrize("path", EXEMPT)
def test_exemptions_are_respected(tmp_path: Path, path: str) -> None:
    assert scan(tmp_path, {path: EXEMPT[path]}) == []


def test_the_sample_shops_files_are_exempt_in_their_texts_only(tmp_path: Path) -> None:
    text = '"""The morning\'s texts."""\nOCCASIONS = ("every morning",)\n# A twin.\n'
    path = "assets/sample_shop/world/products.py"
    found = scan(tmp_path, {path: text})
    assert [rule for _, _, rule in found] == ["prose morning", "identifiers occasion", "prose twin"]


def test_only_the_given_paths_are_listed(tmp_path: Path) -> None:
    files = {"assets/a/x.py": "told = 1\n", "assets/ab/x.py": "told = 1\n", "README.md": "anew\n"}
    assert [path for path, _, _ in scan(tmp_path, files, "assets/a")] == ["assets/a/x.py"]
    assert [path for path, _, _ in scan(tmp_path, files, "README.md")] == ["README.md"]
    assert len(scan(tmp_path, files)) == 3


TWO = [Offender("a/x.py", 1, "a", "names told"), Offender("a/y.py", 7, "a", "names told")]


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    for name in ("x.py", "y.py"):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / name).touch()
    return tmp_path / "baseline.txt"


def differences(offenders: list[Offender], counts: Path) -> list[str]:
    return baseline.differences(offenders, baseline=counts, command="python -m x", root=counts.parent)


def test_as_many_as_the_baseline_pass(counts: Path) -> None:
    counts.write_text("a names told 2\n")
    assert differences(TWO, counts) == []


def test_more_than_the_baseline_fail_and_are_listed(counts: Path) -> None:
    counts.write_text("a names told 1\n")
    (message,) = differences(TWO, counts)
    assert "2 exceed the baseline's 1" in message
    assert "a/x.py:1" in message
    assert "a/y.py:7" in message


def test_without_a_baseline_nothing_may_offend(counts: Path) -> None:
    assert len(differences(TWO, counts)) == 1
    assert differences([], counts) == []
    assert baseline.write(TWO, baseline=counts) == ["names told: 2 > 0"]
    assert not counts.exists()


def test_fewer_than_the_baseline_fail_until_it_is_lowered(counts: Path) -> None:
    counts.write_text("a names told 3\n")
    (message,) = differences(TWO, counts)
    assert "python -m x --write" in message
    assert baseline.write(TWO, baseline=counts) == []
    assert counts.read_text() == "a names told 2\n"
    assert differences(TWO, counts) == []


def test_a_baseline_never_rises_but_moves_between_areas(counts: Path) -> None:
    counts.write_text("a names told 1\n")
    assert baseline.write(TWO, baseline=counts) == ["names told: 2 > 1"]
    assert counts.read_text() == "a names told 1\n"
    counts.write_text("b names told 2\n")
    assert baseline.write(TWO, baseline=counts) == []
    assert counts.read_text() == "a names told 2\n"


def test_an_empty_baseline_is_deleted(counts: Path) -> None:
    counts.write_text("a names told 1\n")
    assert baseline.write([], baseline=counts) == []
    assert not counts.exists()


def test_a_baseline_with_merge_conflicts_is_refused(counts: Path) -> None:
    counts.write_text("<<<<<<< HEAD\na names told 1\n=======\na names told 2\n>>>>>>> b\n")
    with pytest.raises(ValueError, match="<<<<<<< HEAD"):
        baseline.read(counts)
