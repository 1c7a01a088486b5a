"""What keeps a stored definition from being activated, and what only looks wrong."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.action_rules import ACTION_RULES
from coordinator.domain.edits import forbidden_edits
from coordinator.domain.expression_rules import expression_errors
from coordinator.domain.field_rules import FIELD_RULES
from coordinator.domain.graph_rules import GRAPH_RULES
from coordinator.domain.node_rules import alarm_warnings
from coordinator.domain.overlap_rules import crowded_intervals
from coordinator.domain.parameter_rules import parameter_errors, parameter_warnings
from coordinator.domain.precondition_rules import PRECONDITION_RULES
from coordinator.domain.schedule_rules import SCHEDULE_RULES
from coordinator.domain.site_rules import site_warnings
from coordinator.domain.type_rules import TYPE_RULES
from coordinator.domain.view import DefinitionView
from coordinator.domain.warning_rules import WARNING_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from coordinator.domain.definitions import ParameterObject, ParameterValue, PipelineObject
    from coordinator.domain.site_rules import Site

    Finding = tuple[str, str]
    Rule = Callable[[DefinitionView], Iterator[Finding]]

# The model's longest validationMessage.
MAX_MESSAGE = 10_000
MAX_FINDINGS = 50
MORE = "There is more to say of this object than is said here."

ERROR_RULES: tuple[Rule, ...] = (
    *GRAPH_RULES,
    *TYPE_RULES,
    *FIELD_RULES,
    *SCHEDULE_RULES,
    *PRECONDITION_RULES,
    *ACTION_RULES,
    crowded_intervals,
)


class Findings(NamedTuple):
    """Sentences by the id of the object, or parameter, that they are about."""

    errors: dict[str, list[str]]
    warnings: dict[str, list[str]]


def validate(
    objects: Sequence[PipelineObject],
    *,
    parameters: Sequence[ParameterObject] = (),
    values: Sequence[ParameterValue] = (),
    active: Sequence[PipelineObject] | None = None,
    site: Site | None = None,
) -> Findings:
    """Everything wrong with a definition that `check_fatal` let pass.

    `active` holds the objects that were activated last, if any were: most of their structure must
    stay. Without a `site` nothing is said of what depends on settings and on the time.

    Raises:
        InvalidRequestError: inheritance or shared data nodes make the definition too large.
    """
    view = DefinitionView(objects)
    edits = () if active is None else forbidden_edits(view, DefinitionView(active))
    expressions = expression_errors(view, parameters, values)
    return Findings(
        _collect(
            _found(view, ERROR_RULES), expressions, edits, parameter_errors(parameters, values)
        ),
        _collect(
            _found(view, WARNING_RULES),
            parameter_warnings(parameters, values),
            () if site is None else site_warnings(view, site, [item.id for item in active or ()]),
            alarm_warnings(view, parameters, values),
        ),
    )


def _found(view: DefinitionView, rules: Iterable[Rule]) -> Iterator[Finding]:
    return chain.from_iterable(rule(view) for rule in rules)


def _collect(*findings: Iterable[Finding]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for object_id, sentence in chain.from_iterable(findings):
        sentences = found.setdefault(object_id, [])
        if len(sentences) < MAX_FINDINGS - 1:
            sentences.append(sentence[:MAX_MESSAGE])
        elif len(sentences) < MAX_FINDINGS:
            sentences.append(MORE)
    return found
