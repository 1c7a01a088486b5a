"""Parameters of a definition: what is declared, and which values they have at activation.

Source: the developer guide on parametrized templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coordinator.domain.expressions import has_expression
from coordinator.domain.secrets import is_secret
from coordinator.domain.spelling import Guesses, listed
from coordinator.domain.values import parse_double, parse_integer
from coordinator.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from coordinator.domain.definitions import ParameterObject, ParameterValue

MAX_LISTED = 50
Values = dict[str, list[str]]

# Types by their names in lower case.
TYPES: Final[Mapping[str, Callable[[str], object]]] = {
    "string": str,
    "integer": parse_integer,
    "double": parse_double,
    "aws::s3::objectkey": str,
}
NEEDS_VALUE = "needs a value at activation"


class Parameter:
    """A declared parameter; what is wrongly declared counts as not declared."""

    def __init__(self, declared: ParameterObject) -> None:
        self.id = declared.id
        self.attributes: Values = {}
        for attribute in declared.attributes:
            self.attributes.setdefault(attribute.key, []).append(attribute.string_value)
        self.type = self._first("type", "String")
        self.optional = self._flag("optional")
        self.is_array = self._flag("isArray")
        self.allowed = self.attributes.get("allowedValues", [])
        self.default = self.attributes.get("default", [])

    def complaint(self, values: Sequence[str]) -> str | None:
        """What is wrong with `values`, to continue a sentence; None if they will do."""
        if not values:
            return None if self.optional else NEEDS_VALUE
        if len(values) > 1 and not self.is_array:
            return f"has {len(values)} values, but is not declared with isArray"
        return next(filter(None, map(self._misfit, values)), None)

    def _misfit(self, text: str) -> str | None:
        if has_expression(text) or (self.optional and not text):
            return None
        if self.allowed and text not in self.allowed:
            if is_secret(self.id):
                return "must be one of its allowedValues"
            return f"must be {listed(self.allowed[:MAX_LISTED])}"
        try:
            TYPES.get(self.type.lower(), str)(text)
        except ValueError as error:
            return str(error)
        return None

    def _first(self, key: str, otherwise: str) -> str:
        return self.attributes.get(key, [otherwise])[0]

    def _flag(self, key: str) -> bool:
        return self._first(key, "").strip().lower() == "true"


def resolve(
    parameter_objects: Iterable[ParameterObject],
    stored_values: Iterable[ParameterValue],
    activation_values: Iterable[ParameterValue],
) -> Values:
    """The values of each parameter by its id, in order: those of the activation, stored or default.

    An optional parameter without a value has an empty list. Values of undeclared parameters are
    passed on.

    Raises:
        InvalidRequestError: parameters have no value, or one that they cannot have (all of either
            kind are named); or an activation gives a value under a misspelt name.
    """
    declared = [Parameter(item) for item in parameter_objects]
    now = grouped(activation_values)
    _check_spelling(now, {item.id for item in declared})
    found = grouped(stored_values) | now
    wrong = dict(_complaints(declared, found))
    missing = [object_id for object_id, words in wrong.items() if words == NEEDS_VALUE]
    if missing:
        raise InvalidRequestError(f"{_told(missing)} a value: give it in parameterValues.")
    if wrong:
        told = "; ".join(f"parameter '{each}' {words}" for each, words in wrong.items())
        raise InvalidRequestError(f"{told[:1].upper()}{told[1:]}.")
    return {item.id: item.default for item in declared} | found


def texts_of(
    parameter_objects: Iterable[ParameterObject], values: Mapping[str, list[str]]
) -> Values:
    """What expressions find under the name of each parameter.

    An optional one without a value is an empty text; one that needs a value and has none has an
    empty list.
    """
    optional = {item.id: [""] for item in map(Parameter, parameter_objects) if item.optional}
    defaults = {item.id: item.default for item in map(Parameter, parameter_objects)}
    found = defaults | {name: texts for name, texts in values.items() if texts}
    return {name: texts or optional.get(name, []) for name, texts in found.items()}


def grouped(values: Iterable[ParameterValue]) -> Values:
    """Values by their parameter's id."""
    found: Values = {}
    for value in values:
        found.setdefault(value.id, []).append(value.string_value)
    return found


def _check_spelling(given: Values, declared: AbstractSet[str]) -> None:
    """Refuse a value whose name is nearly that of a parameter: an activation cannot warn of it."""
    guesses = Guesses()
    for name in given.keys() - declared:
        if meant := guesses.nearest(name, declared):
            raise InvalidRequestError(f"'{name}' is not a parameter: did you mean '{meant}'?")


def _complaints(declared: Iterable[Parameter], found: Values) -> Iterator[tuple[str, str]]:
    for item in declared:
        words = item.complaint(found.get(item.id, item.default))
        if words is not None:
            yield item.id, words


def _told(missing: list[str]) -> str:
    names = ", ".join(f"'{each}'" for each in missing)
    return f"Parameter {names} needs" if len(missing) == 1 else f"Parameters {names} need"
