"""The objects of a definition as expressions see them.

Source: the developer guide's pages on expressions and on parametrized templates. A name means, in
this order: the object's id or name; a field of its own or inherited; `node`, `parent`; a run-time
field; a parameter. The values of ids, names and types are taken as they stand, and so are those of
run-time fields and parameters. A name that begins with ``*`` is a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from coordinator.domain.expressions.values import Found, ObjectRef, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from coordinator.domain.definitions import PipelineObject
    from coordinator.domain.expressions.values import Scope

_VERBATIM = frozenset({"type", "sphere"})
_IDS = frozenset({"@id", "id", "name"})

Fields = dict[str, tuple[Value, ...]]


@dataclass(frozen=True)
class Surroundings:
    """What the objects of one instance share.

    `objects` are flattened. `subject` is the id of the object that `run_time` is about, `node` that
    of the object which refers to an alarm or precondition, or None.
    """

    objects: Mapping[str, PipelineObject]
    subject: str
    node: str | None = None
    run_time: Mapping[str, datetime | str | int] = field(default_factory=dict)
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    grouped: dict[str, Fields] = field(default_factory=dict, compare=False, repr=False)


class ObjectScope:
    """One object of a definition."""

    def __init__(self, surroundings: Surroundings, object_id: str) -> None:
        self._around = surroundings
        self._object = surroundings.objects[object_id]

    @property
    def label(self) -> str:
        """The object's id."""
        return self._object.id

    def field(self, name: str) -> Found | None:
        """What `name` means in expressions of this object."""
        own = self._own(name)
        if own is not None:
            return own
        if name in {"parent", "node"}:
            return self._relative(name)
        if name in self._around.run_time:
            return Found((self._around.run_time[name],))
        if values := self._around.parameters.get(name):
            return Found(tuple(values), secret=name.startswith("*"))
        return None

    def known(self) -> Iterable[str]:
        """The names of fields, run-time fields and parameters."""
        return chain(_IDS, self._fields(), self._around.run_time, self._around.parameters)

    def inherited(self, name: str) -> Found | None:
        """What `name` means for the object above this one, or else for this one."""
        if name in _IDS:
            return self._own(name) if name == "name" else Found((self._object.id,))
        own = self.field(name)
        for ref in self._object.refs("parent"):
            if ref in self._around.objects:
                above = ObjectScope(self._around, ref).field(name)
                if above is not None and (own is None or above.values != own.values):
                    return above
        return own

    def _own(self, name: str) -> Found | None:
        if name == "@id" and self._around.subject == self.label:
            return Found((self._around.run_time.get(name, self.label),))
        if name in _IDS:
            return Found((self._object.name if name == "name" else self.label,))
        values = self._fields().get(name)
        if values is None or name == "parent":
            return None
        scope = None if name in _VERBATIM else self
        return Found(values, scope, secret=name.startswith("*"))

    def _relative(self, name: str) -> Found | None:
        if name == "parent":
            return Found((ObjectRef(self.label, ParentScope(self)),))
        node = self._around.node
        return None if node is None else Found((self._ref(node),))

    def _fields(self) -> Fields:
        """The object's fields with their values, worked out once for all scopes of an instance."""
        if self.label not in self._around.grouped:
            fields: dict[str, list[Value]] = {}
            for item in self._object.fields:
                value = item.string_value
                values = fields.setdefault(item.key, [])
                values.append(self._ref(item.ref_value or "") if value is None else value)
            self._around.grouped[self.label] = {k: tuple(v) for k, v in fields.items()}
        return self._around.grouped[self.label]

    def _ref(self, object_id: str) -> ObjectRef:
        known = object_id in self._around.objects
        return ObjectRef(object_id, ObjectScope(self._around, object_id) if known else None)


class ParentScope:
    """What `parent` leads to: the object's component, whose ids are those of the definition.

    Its fields are those that the object inherits, before the object's own replace them.
    """

    def __init__(self, child: ObjectScope) -> None:
        self._child = child

    @property
    def label(self) -> str:
        """The object's id in the definition."""
        return self._child.label

    def field(self, name: str) -> Found | None:
        """A field above the object, or else of the object itself."""
        return self._child.inherited(name)

    def known(self) -> Iterable[str]:
        """Names of the object's fields, inherited ones among them."""
        return self._child.known()


def object_scope(
    objects: Mapping[str, PipelineObject],
    object_id: str,
    *,
    node: str | None = None,
    run_time: Mapping[str, datetime | str | int] | None = None,
    parameters: Mapping[str, Sequence[str]] | None = None,
) -> Scope:
    """The scope in which expressions of an object's fields are evaluated.

    `objects` are flattened (`DefinitionView.inherited`). `run_time` are the fields of the instance,
    of `node` where it is given: the object that refers to this alarm or precondition.

    Raises:
        KeyError: there is no such object.
    """
    around = Surroundings(objects, node or object_id, node, run_time or {}, parameters or {})
    return ObjectScope(around, object_id)
