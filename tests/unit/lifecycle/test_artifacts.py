"""A loaded model file is the one that was registered, and holds trusted types alone."""

import functools
import hashlib
import os
from pathlib import Path

import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from assets.lifecycle.store.artifacts import ModelIntegrityError, load_model, save_model
from assets.supervised.fitting.fitted_store import MODEL_TYPES


def test_a_model_and_its_facts_come_back_as_they_were_saved(tmp_path: Path) -> None:
    sha256 = save_model(tmp_path, {"rate": 0.25}, facts={"rows": 7}, trusted=())
    assert load_model(tmp_path, sha256=sha256, trusted=()) == ({"rate": 0.25}, {"rows": 7})


@pytest.mark.parametrize("name", ["model.skops", "facts.json"])
def test_one_changed_byte_is_refused_by_name(tmp_path: Path, name: str) -> None:
    sha256 = save_model(tmp_path, {"rate": 0.25}, facts={"rows": 7}, trusted=())
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(bytes(content))
    with pytest.raises(ModelIntegrityError, match=r"model\.skops: sha-256 is .* registered was"):
        load_model(tmp_path, sha256=sha256, trusted=())


@pytest.mark.parametrize("name", ["model.skops", "facts.json"])
def test_a_missing_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    sha256 = save_model(tmp_path, {"rate": 0.25}, facts={}, trusted=())
    (tmp_path / name).unlink()
    with pytest.raises(ModelIntegrityError, match=rf"{name} is not there"):
        load_model(tmp_path, sha256=sha256, trusted=())


def forged(folder: Path, model: object) -> str:
    """``model`` as a registered version: the hash is right, only the content is not trusted."""
    skops.io.dump(model, folder / "model.skops")
    (folder / "facts.json").write_text("{}")
    return hashlib.sha256((folder / "model.skops").read_bytes() + b"{}").hexdigest()


def test_a_model_that_would_run_a_command_is_refused(tmp_path: Path) -> None:
    # A partial is on the list; what it wraps is not.
    sha256 = forged(tmp_path, FunctionTransformer(functools.partial(os.system, "echo owned")))
    with pytest.raises(ModelIntegrityError, match=r"Spec.model_types does not list: \['posix.system'\]"):
        load_model(tmp_path, sha256=sha256, trusted=MODEL_TYPES)


def test_a_model_that_could_not_be_loaded_is_not_saved(tmp_path: Path) -> None:
    model = FunctionTransformer(functools.partial(os.system, "echo owned"))
    with pytest.raises(ModelIntegrityError, match=r"\['posix.system'\]"):
        save_model(tmp_path, model, facts={}, trusted=MODEL_TYPES)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"not a zip")
    (tmp_path / "facts.json").write_text("{}")
    with pytest.raises(ModelIntegrityError, match="is not a skops file"):
        load_model(tmp_path, sha256=hashlib.sha256(b"not a zip{}").hexdigest(), trusted=())
