"""Lists: the parameters that all of them take, the sort whitelist, the envelope and its links."""

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.fields import Count, Input, Output, whole

ItemT = TypeVar("ItemT", bound=Output)

SortKeys = tuple[tuple[str, bool], ...]
"""Pairs of a field's name and whether it descends, the first deciding first."""


class Page(Output, Generic[ItemT]):
    """One page of a list."""

    items: Annotated[list[ItemT], Field(max_length=100, description="Empty past the last page.")]
    page: Annotated[int, Field(ge=1, le=1_000_000_000)]
    limit: Annotated[int, Field(ge=1, le=100)]
    total: Annotated[Count, Field(description="Items on all pages.")]
    pages: Annotated[Count, Field(description="0 where nothing matches.")]


class PageQuery(Input):
    """The parameters of every list."""

    page: Annotated[
        int, Field(ge=1, le=1_000_000_000, description="Which page, the first being 1."), BeforeValidator(whole)
    ] = 1
    limit: Annotated[int, Field(ge=1, le=100, description="Items on a page."), BeforeValidator(whole)] = 20

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort parameter over a whitelist of fields: ``-priority,title``."""

    fields: tuple[str, ...]

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._parse)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        both = [[field, f"-{field}"] for field in self.fields]
        return {
            "type": "array",
            "description": "What to sort by, the first deciding first; `-` before a field descends.",
            "items": {"type": "string", "enum": [way for ways in both for way in ways]},
            "minItems": 1,
            "allOf": [{"contains": {"enum": ways}, "minContains": 0, "maxContains": 1} for ways in both],
        }

    def _parse(self, value: object) -> SortKeys:
        keys = tuple((item.removeprefix("-"), item.startswith("-")) for item in str(value).split(","))
        names = [name for name, _ in keys]
        if not set(names) <= set(self.fields) or len(set(names)) < len(names):
            raise PydanticCustomError(
                "sort",
                "Must name fields of {fields}, each once, - before one to descend",
                {"fields": ", ".join(self.fields)},
            )
        return keys


def page_count(total: int, limit: int) -> int:
    """How many pages of ``limit`` rows ``total`` rows fill; 0 for none."""
    return -(-total // limit)


def page_links(path: str, pairs: list[tuple[str, str]], page: int, pages: int) -> str:
    """The ``Link`` header (RFC 8288) of a page: each link keeps the request's other parameters."""
    targets = {"first": 1}
    if pages:
        targets["last"] = pages
        if page > 1:
            targets["prev"] = min(page - 1, pages)
    if page < pages:
        targets["next"] = page + 1
    others = urlencode([pair for pair in pairs if pair[0] != "page"])
    target = f"{path}?{others}&page=" if others else f"{path}?page="
    return ", ".join(f'<{target}{number}>; rel="{relation}"' for relation, number in targets.items())


def envelope(items: bytes, total: int, query: PageQuery) -> bytes:
    """A page as JSON, around items that are JSON already."""
    tail = b',"page":%d,"limit":%d,"total":%d,"pages":%d}' % (
        query.page,
        query.limit,
        total,
        page_count(total, query.limit),
    )
    return b'{"items":' + items + tail
