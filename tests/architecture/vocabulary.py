"""Find words that the glossary refuses: ``python -m tests.architecture.vocabulary PATH...`` lists them.

*Identifiers* are names in Python and SQL, file and folder names, YAML keys, Makefile names, texts without
blanks, and names that prose quotes. *Prose* is docstrings, comments, other texts and Markdown.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml

from tests.architecture.baseline import Offender, command_line, is_below

BASELINE = Path(__file__).with_name("vocabulary_baseline.txt")
COMMAND = "python -m tests.architecture.vocabulary"

FOLDERS = ("assets", "checks", "orchestration", "dbt_project", "tests", "benchmarks", "config", "docs")
FILES = ("README.md", "Makefile", "pyproject.toml")
SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".md", ".j2", ".toml"}
GENERATED = {"__pycache__", "target", "logs", "dbt_packages"}

# In identifiers, as a whole word between underscores or capitals; an "s" at the end changes nothing.
REFUSED_NAMES = (
    *("morning", "told", "tell", "said", "lived", "anew", "whoever", "rival", "twin", "outlook", "occasion"),
    *("journal", "anteroom", "custody", "premises", "narrator", "recipe", "prospects", "room", "patience"),
)
FORMS = {form: word for word in REFUSED_NAMES for form in (word, f"{word}s")}

REFUSED_PROSE: Mapping[str, str] = {
    "morning": r"mornings?",
    "twin": r"twin(?:s|ned|ning)?",
    "rival": r"rival(?:s|ry|ries|l?ed|l?ing)?",
    "anteroom": r"anterooms?",
    "narrator": r"narrators?",
    "whoever": r"whom?ever",
    "anew": r"anew",
    # "Long-lived" and "short-lived" are ordinary words for connections and processes.
    "lived": r"(?<!long-)(?<!short-)lived",
    "is_told": r"(?:is|are|was|were|be|been|being)(?:\s+(?:not|never|only))?\s+told",
    "of_whom": r"of\s+whom",
    "what_became_of": r"what(?:ever)?\s+(?:became|becomes|(?:has|had|have|will)\s+become)\s+of",
}

# Files that hold the words because they are about them.
EXEMPT_PATHS = (
    "docs/glossary.md",
    "docs/CHANGELOG.md",
    "docs/decisions",
    "tests/architecture/vocabulary.py",
    "tests/architecture/test_vocabulary.py",
)
# Product names, review and campaign texts: data in an ordinary shop's words. Only their texts are exempt.
SHOP_TEXTS = tuple(
    f"assets/sample_shop/{name}.py" for name in ("world/products", "reviews/texts", "messages/campaigns")
)
# Names that others chose, with the reason why they stay. Titles of cited works would stand here too.
FOREIGN: Mapping[str, str] = {
    r"journal_mode|journal_size_limit": "pragmas of SQLite",
    r"[\w.{}*]*-journal\b": "suffix of SQLite's rollback file",
}

PROSE = re.compile(
    "|".join(rf"(?P<{word}>(?<!\w){pattern}(?!\w))" for word, pattern in REFUSED_PROSE.items()),
    re.IGNORECASE,
)
ANY = re.compile(f"{'|'.join(REFUSED_NAMES)}|whom|bec[ao]me", re.IGNORECASE)
EXEMPT_TEXT = re.compile("|".join(FOREIGN))
PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
TOKEN = re.compile(r"[A-Za-z_]\w*")
# In prose: what stands in backticks without a blank, and what has an underscore.
QUOTED_NAME = re.compile(r"`([^`\s]+)`|\b(\w*_\w*)\b")
IS_SQL = re.compile(
    r"\A\s*(?:select|insert|delete from|create|alter|attach|detach|describe|copy|update \S+ set)\s"
    r"|\bselect\s.*\sfrom\s|\bjoin\s.*\s(?:on|using)\b",
    re.DOTALL,
)


class Text(NamedTuple):
    """A piece of a file: prose or names, with its first and last line."""

    kind: str
    text: str
    first: int
    last: int


def scan(root: Path, paths: Sequence[str] = ()) -> list[Offender]:
    """Every refused word below ``root``, or only below ``paths``, which are relative to it."""
    found: list[Offender] = []
    folders: set[str] = set()
    for path in covered(root):
        if is_below(path, paths):
            found += _in_path(path, folders)
            found += _in_file(root / path, path)
    return found


def covered(root: Path) -> Iterator[str]:
    """The files that are read, relative to ``root``."""
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            path = file.relative_to(root)
            if (
                file.suffix in SUFFIXES
                and not GENERATED & set(path.parts)
                and not _is_exempt(path.as_posix())
            ):
                yield path.as_posix()
    yield from (name for name in FILES if (root / name).exists())


def area_of(path: str) -> str:
    """The baseline's area: the folder at the top; the README counts as documentation."""
    first, _, rest = path.partition("/")
    return first if rest else ("docs" if path == "README.md" else "project")


def _is_exempt(path: str) -> bool:
    return is_below(path, EXEMPT_PATHS)


def _in_path(path: str, folders: set[str]) -> Iterator[Offender]:
    """Refused words of the file's name, and of its folders that are not in ``folders`` yet."""
    pure = PurePosixPath(path)
    new = [pure.stem]
    for parent in pure.parents:
        if str(parent) not in folders:
            folders.add(str(parent))
            new.append(parent.name)
    for name in new:
        for word, _ in _words_of(name):
            yield Offender(path, 1, area_of(path), f"identifiers {word}", name)


def _in_file(file: Path, path: str) -> list[Offender]:
    text = EXEMPT_TEXT.sub(lambda found: " " * len(found[0]), file.read_text(encoding="utf-8"))
    if not ANY.search(text):
        return []
    lines = text.splitlines()
    match file.suffix:
        case ".py":
            pieces = _python(text, has_shop_texts=path in SHOP_TEXTS)
        case ".sql":
            pieces = _code(text, SQL)
        case ".yml" | ".yaml":
            pieces = _yaml(text)
        case ".j2":
            pieces = _code(text, JINJA)
        case ".md":
            pieces = iter([Text("prose", text, 1, len(lines))])
        case _:
            pieces = _code(text, HASH)
    return [
        Offender(path, line, area_of(path), f"{kind} {word}", _shown(lines[line - 1]))
        for piece in pieces
        for kind, word, line in _refused(piece, lines)
    ]


def _shown(line: str) -> str:
    return line.strip()[:90]


def _refused(piece: Text, lines: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Kind, word and line of what is refused in ``piece``."""
    if not ANY.search(piece.text):
        return
    names = QUOTED_NAME if piece.kind == "prose" else TOKEN
    for token in names.finditer(piece.text):
        for word, offset in _words_of(token[0]):
            yield "identifiers", word, _line(piece, token.start() + offset, word, lines)
    if piece.kind == "prose":
        prose = QUOTED_NAME.sub(lambda found: " " * len(found[0]), piece.text)
        for found in PROSE.finditer(prose):
            yield (
                "prose",
                str(found.lastgroup),
                _line(piece, found.start(), max(found[0].split(), key=len), lines),
            )


def _words_of(name: str) -> Iterator[tuple[str, int]]:
    """Refused words of an identifier, with their places in it."""
    for part in PART.finditer(name):
        if (word := FORMS.get(part[0].lower())) is not None:
            yield word, part.start()


def _line(piece: Text, position: int, word: str, lines: Sequence[str]) -> int:
    """The line of a word: counted where the text is as written, else looked for between first and last."""
    if piece.first == piece.last or piece.text.count("\n") >= piece.last - piece.first:
        return piece.first + piece.text.count("\n", 0, position)
    nth = len(re.findall(word, piece.text[:position], re.IGNORECASE))
    places = [
        number
        for number, line in enumerate(lines[piece.first - 1 : piece.last], start=piece.first)
        for _ in re.findall(word, line, re.IGNORECASE)
    ]
    return places[nth] if nth < len(places) else piece.first


def _python(text: str, *, has_shop_texts: bool) -> Iterator[Text]:
    tree = ast.parse(text)
    docstrings = {id(node) for node in _docstrings(tree)}
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
        if isinstance(part, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(value)) if id(node) in docstrings:
                yield Text("prose", value, node.lineno, node.end_lineno or node.lineno)
            case ast.Constant() | ast.JoinedStr() if id(node) not in inside and not has_shop_texts:
                yield from _literal(node)
            case ast.Constant() | ast.JoinedStr():
                pass
            case _:
                line = getattr(node, "lineno", 1)
                yield from (
                    Text("names", name, line, getattr(node, "end_lineno", line)) for name in _names(node)
                )
    yield from _comments(text)


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every text that stands alone as a statement: docstrings of modules, classes, functions, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _names(node: ast.AST) -> Iterator[str]:
    """The names that stand in ``node`` itself, whatever its kind."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (each for each in value if isinstance(each, str))


def _literal(node: ast.Constant | ast.JoinedStr) -> Iterator[Text]:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    written = [
        (part.value if isinstance(part.value, str) else "") if isinstance(part, ast.Constant) else "{}"
        for part in parts
    ]
    text = "".join(written)
    is_names = not re.search(r"\s", text) or IS_SQL.search(text)
    yield Text("names" if is_names else "prose", text, node.lineno, node.end_lineno or node.lineno)


def _comments(text: str) -> Iterator[Text]:
    """Comments, those on consecutive lines together, so that a phrase may go over the line's end."""
    block: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != last + 1:
            yield _block(block, last)
            block = []
        block.append(token.string.lstrip("# "))
        last = token.start[0]
    if block:
        yield _block(block, last)


def _block(lines: Sequence[str], last: int) -> Text:
    return Text("prose", "\n".join(lines), last - len(lines) + 1, last)


STRINGS = r"(?P<text>'[^'\n]*'|\"[^\"\n]*\")"
SQL = re.compile(rf"(?P<comment>\{{#.*?#\}}|/\*.*?\*/|(?:[ \t]*--[^\n]*\n?)+)|{STRINGS}", re.DOTALL)
HASH = re.compile(rf"(?P<comment>(?:(?<![^\s])#[^\n]*\n?[ \t]*)+)|{STRINGS}")
# A template is prose with code in between; a comment of Jinja is prose too.
JINJA = re.compile(r"(?P<code>\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)


def _code(text: str, syntax: re.Pattern[str]) -> Iterator[Text]:
    """Split ``text`` at what ``syntax`` names: comments and texts in code, or code in a template."""
    rest = "prose" if "code" in syntax.groupindex else "names"
    position, line = 0, 1
    for found in syntax.finditer(text):
        yield _piece(rest, text[position : found.start()], line)
        line += text.count("\n", position, found.start())
        match found.lastgroup:
            case "comment":
                kind = "prose"
            case "text":
                kind = "prose" if re.search(r"\s", found[0]) else "names"
            case _:
                kind = "names"
        yield _piece(kind, re.sub(r"(?m)^[ \t]*(?:--|#)", "  ", found[0]), line)
        position = found.end()
        line += found[0].count("\n")
    yield _piece(rest, text[position:], line)


def _piece(kind: str, text: str, line: int) -> Text:
    return Text(kind, text, line, line + text.count("\n"))


def _yaml(text: str) -> Iterator[Text]:
    taken: set[int] = set()
    for document in yaml.compose_all(text, Loader=yaml.CSafeLoader):
        for node, is_key in _scalars(document):
            # A block's text starts below its sign, and its end mark is the start of the next token's line.
            is_block = node.style in ("|", ">")
            first = node.start_mark.line + 1 + is_block
            last = max(first, node.end_mark.line + (not is_block or node.end_mark.column > 0))
            is_names = is_key or not re.search(r"\s", node.value)
            yield Text("names" if is_names else "prose", node.value, first, last)
            taken |= set(range(first, last + 1)) if is_block or last > first else set()
    for number, line in enumerate(text.splitlines(), start=1):
        if number not in taken and (found := re.search(r"(?:^|\s)#(.*)", line)):
            yield Text("prose", found[1], number, number)


def _scalars(node: yaml.Node | None, *, is_key: bool = False) -> Iterator[tuple[yaml.ScalarNode, bool]]:
    children: Iterable[tuple[yaml.Node, bool]] = ()
    match node:
        case yaml.ScalarNode():
            yield node, is_key
        case yaml.MappingNode():
            children = [(each, side == 0) for pair in node.value for side, each in enumerate(pair)]
        case yaml.SequenceNode():
            children = [(each, False) for each in node.value]
    for child, of_key in children:
        yield from _scalars(child, is_key=of_key)


if __name__ == "__main__":
    sys.exit(command_line(scan, baseline=BASELINE, about="List words that the glossary refuses."))
