"""The fault that passes by itself."""


class SourceUnreachable(RuntimeError):
    """A database or web service did not answer, or said to come back later: trying again may help."""
