"""Configuration of pulls from a database or a web service, and of columns joined from other files."""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from assets.ingest.config.encoding import codec_of

ENVIRONMENT_VARIABLE = r"^[A-Z][A-Z0-9_]*$"
# One text may be written without a list.
Texts = Annotated[tuple[str, ...], BeforeValidator(lambda text: (text,) if isinstance(text, str) else text)]


class Declaration(BaseModel):
    """One part of a business's YAML."""

    # A secret typed where the name of its variable belongs must not come back in an error.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def written_keys(cls) -> list[str]:
        """The keys that the YAML may hold."""
        return [field.alias or name for name, field in cls.model_fields.items()]


class Pull(Declaration):
    """Settings of every incremental pull.

    ``cursor`` is the column that grows when a row is written or changed. ``primary_key`` identifies a
    row; without it the raw table's own key does. ``overlap`` is how far before the newest cursor the
    next pull starts, in seconds (days for dates, units for numbers), because a transaction may commit
    a row after a newer one was pulled. Rows that are pulled again unchanged are dropped.
    """

    cursor: str = Field(min_length=1)
    primary_key: Texts = ()
    overlap: int = Field(default=300, ge=0)


class Database(Pull):
    """A table or view; ``url_from`` names the environment variable that holds the database's URL."""

    url_from: str = Field(pattern=ENVIRONMENT_VARIABLE)
    table: str = Field(min_length=1)
    # "schema" is taken by pydantic.
    schema_name: str | None = Field(default=None, alias="schema")

    @property
    def secret(self) -> str:
        """Name of the environment variable that holds the secret."""
        return self.url_from


class Rest(Pull):
    """A REST API that returns JSON in pages.

    ``records`` is the path to the records in a response (``$`` when the response is the list itself), and
    ``cursor_param`` the parameter that requests records since a cursor; without it every pull reads
    everything. ``next_link`` is the path to the URL of the next page; a ``Link`` header works too.
    ``header`` carries the token: as a bearer token in ``Authorization``, unchanged in any other header.
    """

    url: str
    path: str = ""
    records: str = Field(min_length=1)
    cursor_param: str | None = None
    paging: Literal["single_page", "next_link", "page_number", "offset"]
    next_link: str = "next"
    page_param: str = "page"
    first_page: int = 1
    offset_param: str = "offset"
    limit_param: str = "limit"
    page_size: int | None = Field(default=None, gt=0)
    token_from: str | None = Field(default=None, pattern=ENVIRONMENT_VARIABLE)
    header: str = "Authorization"

    @field_validator("url")
    @classmethod
    def _has_no_secret(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write an address such as https://api.example.com/v1")
        if "@" in parts.netloc or parts.query:
            raise ValueError(
                "the URL must hold no password and no query: name the environment variable that holds the "
                "token in token_from"
            )
        return url.rstrip("/")

    @property
    def secret(self) -> str | None:
        """Name of the environment variable that holds the token; ``None`` when there is none."""
        return self.token_from


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
