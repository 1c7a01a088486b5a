"""What `make fuzz` runs: targets that take bytes, and the properties of the tests beside it.

A property of Hypothesis takes bytes too (`fuzz_one_input`), so that the same generators and checks
are driven by the coverage of the package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

PLANTED = "planted bug"


class Target(NamedTuple):
    """A function of a module of this folder; a property has bytes made into its arguments."""

    module: str
    function: str
    is_property: bool = False

    def load(self) -> Callable[[bytes], object]:
        """Import the function, and with it what it tests."""
        function = getattr(import_module(self.module), self.function)
        return function.hypothesis.fuzz_one_input if self.is_property else function


def _property(module: str, name: str) -> Target:
    return Target(f"test_fuzz_{module}", f"test_{name}", is_property=True)


TARGETS = {
    "decoder": Target("test_fuzz_decoder", "examine_body"),
    "decoder-damaged": _property("decoder", "damaged_bytes_are_read_or_refused_in_a_sentence"),
    "signature": Target("test_fuzz_signatures", "examine_header"),
    "signature-altered": _property("signatures", "headers_that_were_replaced"),
    "handle": _property("handles", "an_altered_handle_is_unknown"),
    "expression": Target("test_fuzz_expressions", "examine_bytes"),
    "expression-grammar": _property("expressions", "what_the_grammar_makes"),
    "credentials": Target("test_fuzz_credentials", "examine_bytes"),
    "credentials-member": _property("credentials", "a_file_with_one_odd_member"),
    "definition": _property("definitions", "a_definition_is_reported_on"),
    "definition-changed": _property("definitions", "a_change_of_what_runs_is_reported_on"),
    "values": _property("times", "any_text_is_a_value_or_no_value"),
    "intervals": _property("times", "what_overlaps_is_bounded_by_what_was_promised"),
}


def target_named(name: str) -> Target:
    """Return a target; the planted bug is one, too, and only asked for by name."""
    return Target("planted_bug", "broken_decoder") if name == PLANTED else TARGETS[name]
