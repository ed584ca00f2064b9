"""Reading of a business's YAML: a key that is written twice is an error, not a choice."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from assets.ingest.config.business import BusinessInvalid
from assets.ingest.config.source.presets import with_presets


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader, which would take the last of two equal keys without a word."""

    def construct_document(self, node: yaml.Node) -> Any:  # noqa: ANN401
        # Before the mappings are built: a merge (<<) puts keys of another mapping among a node's own.
        self._refuse_repeated_keys(node, seen=set())
        return super().construct_document(node)

    def _refuse_repeated_keys(self, node: yaml.Node, *, seen: set[int]) -> None:
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            return
        seen.add(id(node))
        if not isinstance(node, yaml.MappingNode):
            for each in node.value:
                self._refuse_repeated_keys(each, seen=seen)
            return
        lines: dict[object, int] = {}
        for key_node, value in node.value:
            self._refuse_repeated_keys(value, seen=seen)
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                key, line = self.construct_object(key_node), key_node.start_mark.line + 1
                if key in lines:
                    problem = f"key '{key}' is given twice, on lines {lines[key]} and {line}: delete one"
                    raise ConstructorError(problem=problem, problem_mark=key_node.start_mark)
                lines[key] = line

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401
        try:
            return super().construct_object(node, deep=deep)
        except ValueError as impossible:
            problem = f"'{node.value}' cannot be read ({impossible}): correct it, or quote it if it is text"
            raise ConstructorError(problem=problem, problem_mark=node.start_mark) from impossible


def read_document(file: Path) -> Mapping[str, object]:
    """Read the YAML of a business, with the presets of its sources filled in.

    Args:
        file: Its path.

    Returns:
        Its keys and values; :func:`business_from` validates them.

    Raises:
        BusinessInvalid: when the file is missing, is not UTF-8 or not YAML, gives a key twice, or names a
            preset that does not exist; names the line and the remedy.
    """
    return with_presets(_parsed(file), file=file, read=_parsed)


def _parsed(file: Path) -> Mapping[str, object]:
    if not file.is_file():
        raise BusinessInvalid(
            f"{file} does not exist; set BUSINESS to a file such as config/sample_shop.yaml"
        )
    try:
        # Not a subclass of the unsafe loader.
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506
    except UnicodeDecodeError as error:
        raise BusinessInvalid(f"{file} is not UTF-8 text ({error}); save it as UTF-8") from error
    except ConstructorError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise BusinessInvalid(f"{file}: {line}{error.problem}") from error
    except yaml.YAMLError as error:
        raise BusinessInvalid(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise BusinessInvalid(f"{file} is nested too deeply: write it flat") from None
    if not isinstance(document, dict):
        raise BusinessInvalid(f"{file} has no keys; start from config/sample_shop.yaml")
    return document
