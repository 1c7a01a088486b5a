"""What makes a definition impossible to store.

Source: PutPipelineDefinition in the API reference: an object without an id or a name, or with an
empty field, is refused; anything else is stored and reported (``validation.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coordinator.domain.definitions import PipelineObject


def check_fatal(objects: Iterable[PipelineObject]) -> None:
    """Let a definition pass that can be stored, however wrong it may be otherwise.

    Raises:
        InvalidRequestError: an object lacks its id or name, an id comes twice, a field is empty, or
            its key begins with @, which is for the coordinator's own.
    """
    known: set[str] = set()
    for item in objects:
        if not item.id:
            raise InvalidRequestError(f"The object named '{item.name}' has no id.")
        if item.id in known:
            raise InvalidRequestError(f"The definition has more than one object '{item.id}'.")
        known.add(item.id)
        _check_object(item)


def _check_object(item: PipelineObject) -> None:
    if not item.name:
        raise InvalidRequestError(f"Object '{item.id}' has no name.")
    for field in item.fields:
        if not (field.string_value or field.ref_value):
            raise InvalidRequestError(f"Field '{field.key}' of object '{item.id}' is empty.")
        if field.key.startswith("@"):
            raise InvalidRequestError(
                f"Field '{field.key}' of object '{item.id}' begins with @, which only the "
                "coordinator's own fields may."
            )
