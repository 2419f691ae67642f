"""The kinds of value that come in and go out, for the models of every function."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from shared.text import SEARCH_LENGTH, nfc

T = TypeVar("T")

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
NO_NUL = r"^[^\u0000]*$"
VISIBLE = r"^[^\u0000]*[^\u0000\s\u001c-\u001f\u0085][^\u0000]*$"
"""Patterns for the documentation: text without U+0000, and the same with something left of it when it is trimmed."""
USERNAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_CANONICAL_EXPANSION = 4
"""Code points that one of NFC has at most when decomposed (UAX #15, section 9): longer text need not be looked at."""


class Input(BaseModel):
    """What a client sends: no unknown members, no coercion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Patch(Input):
    """What a client sends to change an object. The defaults of its members stand for "not named" and are never used."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        document = handler.resolve_ref_schema(handler(schema))
        for member in document["properties"].values():
            member.pop("default", None)
        return document

    def take(self, name: str, current: T) -> T:
        """The member's new value where it is named, else the current one."""
        value: T = getattr(self, name) if name in self.model_fields_set else current
        return value


class Output(BaseModel):
    """What a client gets. It documents; the JSON itself is made by PostgreSQL (decision 0002)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


def refuse_nul(value: str) -> str:
    """PostgreSQL cannot store U+0000."""
    if "\0" in value:
        raise PydanticCustomError("string_unicode", "Must not hold U+0000")
    return value


@dataclass(frozen=True, slots=True)
class Text:
    """Text trimmed at both ends and NFC-normalised, then measured in code points."""

    low: int
    high: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, core_schema.str_schema(strict=True))

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return self.document()

    def document(self) -> JsonSchemaValue:
        """The schema of such text. It is measured as it is sent: what is trimmed away may make it longer."""
        if not self.low:
            return {"type": "string", "maxLength": self.high, "pattern": NO_NUL}
        return {"type": "string", "minLength": self.low, "maxLength": self.high, "pattern": VISIBLE}

    def _check(self, value: str) -> str:
        text = refuse_nul(value).strip()
        if len(text) <= self.high * _CANONICAL_EXPANSION:
            text = nfc(text)
        if len(text) < self.low:
            raise PydanticKnownError("string_too_short", {"min_length": self.low})
        if len(text) > self.high:
            raise PydanticKnownError("string_too_long", {"max_length": self.high})
        return text


def parse_uuid(text: str) -> UUID | None:
    """The UUID that ``text`` writes in the form of RFC 9562, or None."""
    return UUID(text) if _UUID.fullmatch(text) else None


def _uuid(value: object) -> UUID:
    if isinstance(value, str) and (parsed := parse_uuid(value)) is not None:
        return parsed
    raise PydanticCustomError("uuid_parsing", "Must be a UUID")


def whole(value: object) -> object:
    """The number that a query parameter writes; anything else is left for the type to refuse."""
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value


def _boolean(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _moment(value: object) -> object:
    """RFC 3339 alone: pydantic by itself also takes numbers for Unix times."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d.*", value, re.ASCII | re.DOTALL):
        return value
    raise PydanticCustomError("datetime_parsing", "Must be a time as in RFC 3339, such as 2026-01-31T08:00:00Z")


def _day(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        return value
    raise PydanticCustomError("date_parsing", "Must be a date such as 2026-01-31")


def csv(value: object) -> object:
    """The items of a comma-separated query parameter, each once; an empty one stays, and is refused by its type."""
    return tuple(dict.fromkeys(value.split(","))) if isinstance(value, str) else value


Id = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
Day = Annotated[date, BeforeValidator(_day), Field(strict=False)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment), Field(strict=False)]
QueryBool = Annotated[bool, BeforeValidator(_boolean)]
Search = Annotated[
    str,
    Text(0, SEARCH_LENGTH),
    Field(description="Words that all have to be there, each from the start of a word on, in any case."),
]
Storable = Annotated[str, AfterValidator(refuse_nul), Field(json_schema_extra={"pattern": NO_NUL})]
Html = Annotated[str, Field(description="The same as HTML, sanitised: safe to put into a page as it is.")]
Count = Annotated[int, Field(ge=0)]
ShownUsername = Annotated[str, Field(min_length=1, max_length=50, pattern=USERNAME)]


class UserRef(Output):
    id: Id
    username: ShownUsername


class ProjectRef(Output):
    id: Id
    name: str
