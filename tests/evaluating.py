"""Short words for expressions and for what they are evaluated in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from definitions import thing

from coordinator.domain.expressions import ExpressionError, evaluate, object_scope, parse
from coordinator.domain.view import DefinitionView

START = datetime(2012, 12, 12, tzinfo=UTC)
DATED = thing("a", myDateTime="2011-05-24T17:10:00")


def scope(*objects, of=None, **surroundings):
    """The scope of the object `of`, or of the first; it started with 12 December 2012."""
    view = DefinitionView(objects or (DATED,))
    surroundings = {"run_time": {"@scheduledStartTime": START}} | surroundings
    return object_scope(view.inherited, of or next(iter(view.inherited)), **surroundings)


def text(template, *objects, **surroundings):
    """What `template` is evaluated to."""
    return evaluate(parse(template), scope(*objects, **surroundings)).text


def problem(template, *objects, **surroundings):
    """What is wrong with `template`, as a sentence with the position."""
    with pytest.raises(ExpressionError) as caught:
        text(template, *objects, **surroundings)
    return str(caught.value)
