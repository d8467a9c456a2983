"""What every configuration can do: frozen, validated once, the same key on every machine."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError


class FrozenDict(dict[str, float]):
    """Numbers by name that stay as they are."""

    def refuse(self, *arguments: Any, **fields: Any) -> Any:
        raise TypeError("a configuration is frozen; make another one with changed()")

    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = refuse

    def __reduce__(self) -> tuple[type, tuple[dict[str, float]]]:
        return FrozenDict, (dict(self),)


class Config(BaseModel):
    """Frozen, refuses unknown keys, and says in one sentence what is wrong and what is allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, /, **fields: Any):
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ValueError(one_sentence(error, type(self))) from None

    def changed(self, **fields: Any) -> Self:
        """The same configuration with some fields replaced, validated again."""
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | fields)

    def to_json(self) -> str:
        """Only what differs from the defaults, so that a new field changes no key."""
        return json.dumps(self.model_dump(exclude_defaults=True), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError(f"{cls.__name__} is written as JSON, but this is not JSON: {short(text)}.") from None
        if not isinstance(fields, dict):
            raise ValueError(f"{cls.__name__} is a JSON object of fields, but this is {short(text)}.")
        return cls(**fields)

    def __hash__(self) -> int:
        return hash(self.to_json())

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{type(self).__name__}:{self.to_json()}".encode()).hexdigest()[:16]


def check_choice(name: str, value: object, allowed: Iterable[object]) -> None:
    if value not in list(allowed):
        raise ValueError(f"{name} must be {choices(allowed)}, but is {short(value)}.")


def short(value: object, length: int = 60) -> str:
    """The value as Python writes it, cut where it would fill the sentence."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}…"


def choices(names: Iterable[object], last: str = "or") -> str:
    """'a', 'b' or 'c'"""
    words = [repr(name) for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
KINDS = {
    "model": "an object of fields",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "dict": "an object",
}


def one_sentence(error: ValidationError, config: type[Config]) -> str:
    """The first thing that is wrong, what is allowed, and what came."""
    first = error.errors()[0]
    name, value, kind = ".".join(str(part) for part in first["loc"]), first["input"], first["type"]
    if kind == "value_error":
        return f"{first['ctx']['error']}".rstrip(".") + "."
    if kind == "extra_forbidden":
        return f"{config.__name__} has no field {short(name)}; it has {', '.join(config.model_fields)}."
    if kind == "literal_error":
        return f"{name} must be {first['ctx']['expected']}, but is {short(value)}."
    if kind in BOUNDS:
        words, bound = BOUNDS[kind]
        return f"{name} must be {words} {first['ctx'][bound]:g}, but is {short(value)}."
    if kind == "finite_number":
        return f"{name} must be a finite number, but is {short(value)}."
    allowed = next((words for start, words in KINDS.items() if kind.startswith(start)), first["msg"])
    return f"{name} must be {allowed}, but is {short(value)}."
