"""The assets of the pipeline and the code that makes them, one package per capability or stage."""

from pathlib import Path

# Declared once, at the root: a path counted in parents changes when its module moves into a sub-package.
ASSETS = Path(__file__).parent
