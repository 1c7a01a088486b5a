"""What the components of a definition look like."""

from __future__ import annotations

from definitions import activity, thing

from coordinator.domain.components import Component, compile_components
from coordinator.domain.definitions import Field

HOUR_MS = 3_600_000


def compiled(*objects, **settings):
    """The components of `objects`."""
    defaults = {"maximum_retries": 2, "retry_delay_ms": 600_000, "resource_groups": {}}
    return compile_components(objects, **defaults | settings)


def test_a_component_has_what_its_activity_and_its_parents_say():
    """Numbers are read, dependencies are positions, fields are flattened."""
    objects = [
        thing("r", "Ec2Resource"),
        activity("b", dependsOn=["c", "a", "c"], maximumRetries="0", retryDelay="5 seconds"),
        thing("Default", attemptTimeout="1 hour", reportProgressTimeout="2 hours"),
        activity("a"),
        activity("c"),
    ]
    component = compiled(*objects)[0]
    assert component == Component(
        id="b",
        name="name of b",
        type="ShellCommandActivity",
        worker_group="g",
        depends_on=(2, 1),
        maximum_retries=0,
        retry_delay_ms=5000,
        attempt_timeout_ms=HOUR_MS,
        progress_timeout_ms=2 * HOUR_MS,
        fields=(
            *objects[1].fields,
            Field("parent", ref_value="Default"),
            Field("attemptTimeout", "1 hour"),
            Field("reportProgressTimeout", "2 hours"),
        ),
    )


def test_what_an_activity_leaves_out_comes_from_the_settings():
    """Retries and their delay have defaults; no timeout is 0."""
    (component,) = compiled(activity("a"), maximum_retries=7, retry_delay_ms=8)
    assert (component.maximum_retries, component.retry_delay_ms) == (7, 8)
    assert (component.attempt_timeout_ms, component.progress_timeout_ms) == (0, 0)


def test_only_activities_become_components():
    """Neither resources nor Default become tasks; a type inherited from Default counts."""
    objects = [
        thing("Default", "ShellCommandActivity", workerGroup="g"),
        thing("s", "Schedule"),
        thing("a"),
    ]
    assert [component.id for component in compiled(*objects)] == ["a"]


def test_a_resource_decides_the_worker_group():
    """A resource wins over workerGroup and means the resource's type, or what it is mapped to."""
    objects = [
        activity("a", runsOn="ec2"),
        activity("b", runsOn="emr"),
        thing("ec2", "Ec2Resource"),
        thing("emr", "EmrCluster"),
    ]
    components = compiled(*objects, resource_groups={"EmrCluster": "big"})
    assert [component.worker_group for component in components] == ["Ec2Resource", "big"]
