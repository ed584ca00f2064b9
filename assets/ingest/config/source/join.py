"""Configuration of a join: columns that stand in other files, such as the headers of orders."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from assets.ingest.config.source.encoding import codec_of
from assets.ingest.config.source.pull import Declaration, Texts


class Join(Declaration):
    """Other files whose ``columns`` are added to each row.

    ``by`` are the columns that must be equal: the source's column and that of the joined files. The joined
    files have one row for each value of them; a later file replaces the rows of an earlier one.
    """

    files: Texts = Field(min_length=1)
    by: Mapping[str, str] = Field(min_length=1)
    columns: Texts = Field(min_length=1)
    format: Literal["csv", "parquet", "json", "jsonl", "excel"] | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    encoding: str = "utf-8"
    skip_rows: int = Field(default=0, ge=0, le=1000)
    footer: str | None = Field(default=None, min_length=1)
    sheet: str | None = Field(default=None, min_length=1)

    @field_validator("by", mode="before")
    @classmethod
    def _same_name(cls, by: object) -> object:
        names = [by] if isinstance(by, str) else by
        return {str(name): str(name) for name in names} if isinstance(names, list) else by

    @field_validator("encoding")
    @classmethod
    def _is_known_encoding(cls, encoding: str) -> str:
        codec_of(encoding)
        return encoding

    @field_validator("files")
    @classmethod
    def _is_only_read(cls, files: tuple[str, ...]) -> tuple[str, ...]:
        landed = [pattern for pattern in files if pattern.startswith("{landing_dir}")]
        if landed:
            raise ValueError(
                f"{landed[0]!r} lies in the landing folder, whose files an erasure rewrites, and joined "
                "files are only read: keep them in {data_dir} or another folder"
            )
        return files
