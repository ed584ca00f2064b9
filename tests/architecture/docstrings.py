"""Find docstrings without a part they owe: ``python -m tests.architecture.docstrings PATH...`` lists them.

``shape``: a parameter that is an array states its shape as ``(n,)`` or ``(n, k)``; one that is a frame does
so too, or has an entry in ``Args`` for its rows and columns. ``args``: three or more parameters.
``raises``: an exception is raised in the function itself. A method of a capability without a docstring owes
nothing: its interface documents it.
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.architecture.baseline import CODE, Offender, command_line, is_below

BASELINE = Path(__file__).with_name("docstrings_baseline.txt")
COMMAND = "python -m tests.architecture.docstrings"

FEWEST_PARAMETERS = 3
INTERFACE = "Capability"
ARRAY = re.compile(r"\b(?:Floats|Ints|Flags|Bools|Texts|Days|Placed|NDArray|ndarray|ArrayLike)\b")
FRAME = re.compile(r"\b(?:DataFrame|Series|Matrix)\b")
# "(n,)", "(n, k)", "(k, most + 1)"; not the interval "(0, 1)".
SHAPE = re.compile(r"\((?!0, 1\))(?:\w+,|\w+(?:, \w+(?: \+ \d+)?)+)\)")


def scan(root: Path, paths: Sequence[str] = ()) -> list[Offender]:
    """Every owed part below ``root``, or only below ``paths``, which are relative to it."""
    files = [file for folder in CODE for file in sorted((root / folder).rglob("*.py"))]
    found = []
    for file in files:
        path = file.relative_to(root).as_posix()
        if is_below(path, paths):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            found += [
                Offender(path, function.lineno, package_of(path), part, function.name)
                for function in public_functions(tree)
                for part in owed_by(function)
            ]
    return found


def package_of(path: str) -> str:
    """The baseline's area: two folders at most, so that a package may be divided."""
    return "/".join(Path(path).parts[:-1][:2])


def public_functions(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions, and methods of public classes, without an underscore in front; no nested functions."""
    for node in tree.body:
        if isinstance(tree, ast.ClassDef) and is_documented_by_interface(tree, node):
            continue
        match node:
            case ast.ClassDef() if not node.name.startswith("_"):
                yield from public_functions(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not node.name.startswith("_"):
                yield node


def is_documented_by_interface(owner: ast.ClassDef, node: ast.stmt) -> bool:
    """Whether ``node`` is a method without a docstring in a subclass of a capability."""
    bases = [ast.unparse(base).partition("[")[0] for base in owner.bases]
    implements = any(base.endswith(INTERFACE) for base in bases)
    return implements and isinstance(node, ast.FunctionDef) and not ast.get_docstring(node)


def owed_by(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The parts that ``function`` owes and its docstring lacks."""
    docstring = ast.get_docstring(function) or ""
    parameters = _parameters(function)
    if not _states_shape(parameters, docstring):
        yield "shape"
    if len(parameters) >= FEWEST_PARAMETERS and not _section(docstring, "Args"):
        yield "args"
    raises = any(isinstance(node, ast.Raise) and node.exc for node in _own(function))
    if raises and not _section(docstring, "Raises"):
        yield "raises"


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    given = function.args
    several = [each for each in (given.vararg, given.kwarg) if each]
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *several]
    return [each for each in every if each.arg not in {"self", "cls"}]


def _states_shape(parameters: Sequence[ast.arg], docstring: str) -> bool:
    annotated = {each.arg: ast.unparse(each.annotation) for each in parameters if each.annotation}
    arrays = [name for name, kind in annotated.items() if ARRAY.search(kind)]
    frames = [name for name, kind in annotated.items() if FRAME.search(kind)]
    if (not arrays and not frames) or SHAPE.search(docstring):
        return True
    entries = _section(docstring, "Args")
    return not arrays and all(re.search(rf"^\s+\*?{name}: ", entries, re.MULTILINE) for name in frames)


def _section(docstring: str, heading: str) -> str:
    """The indented lines below ``heading``; empty when there is none."""
    found = re.search(rf"^{heading}:\n((?:[ \t]+.*\n?|\n)+)", docstring, re.MULTILINE)
    return found[1] if found else ""


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions and classes in it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            yield from _own(node)


if __name__ == "__main__":
    sys.exit(command_line(scan, baseline=BASELINE, about="List docstrings without a part they owe."))
