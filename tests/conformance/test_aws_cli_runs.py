"""The aws CLI with runs: list-runs, queries, descriptions, statuses, deactivation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from installed_clients import AwsCli, AwsError
from pipelines import (
    Ref,
    activity,
    create,
    finish,
    ids,
    item,
    new_group,
    poll,
    put,
    schedule,
    scheduled,
    selector,
    start,
    statuses,
)
from waiting import wait_until

LONG_AGO = "2000-01-01,2000-01-02T00:00:00"
ALWAYS = "2000-01-01,2999-01-01"
# Each word that the CLI takes, and the components it finds.
BY_STATUS = {
    "waiting": [],
    "pending": [],
    "cancelled": ["Canceled"],
    "running": ["Running"],
    "finished": ["Finished"],
    "failed": ["Failed"],
    "waiting_for_runner": ["Ready"],
    "waiting_on_dependencies": ["Blocked"],
    "shutting_down": [],
    "failed,finished , running": ["Failed", "Finished", "Running"],
}


@pytest.fixture(scope="module")
def aws(replica, tmp_path_factory):
    """The aws CLI in a directory of its own."""
    return AwsCli(replica, tmp_path_factory.mktemp("aws"))


@pytest.fixture(scope="module")
def pipeline(api):
    """A pipeline with an instance of each status."""
    groups = {name: new_group() for name in ("Finished", "Failed", "Running", "Canceled", "Ready")}
    made = start(
        api,
        *(activity(name, group, maximumRetries="0") for name, group in groups.items()),
        activity("Blocked", groups["Ready"], dependsOn=Ref("Ready")),
    )
    finish(api, poll(api, groups["Finished"]))
    finish(api, poll(api, groups["Failed"]), "FAILED")
    api.report_task_progress(taskId=poll(api, groups["Running"])["taskId"])
    chosen = selector("@componentParent", "REF_EQ", "Canceled")
    canceled = ids(api, made, "INSTANCE", chosen)
    api.set_status(pipelineId=made, objectIds=canceled, status="TRY_CANCEL")
    return made


def names(output):
    """The components of runs that were printed as JSON, sorted."""
    return sorted(run["@componentParent"] for run in output or [])


def runs(aws, pipeline, *words):
    """The components whose runs are listed."""
    return names(aws("list-runs", "--pipeline-id", pipeline, "--output", "json", *words))


def test_list_runs_prints_every_run_of_the_last_days(aws, pipeline):
    """A row for each instance, also for those that only wait, in the CLI's own table."""
    table = aws.text("list-runs", "--pipeline-id", pipeline)
    rows = [line for line in table.splitlines() if line[:6].strip().endswith(".")]
    assert [row.split()[1] for row in rows] == [
        "Blocked",
        "Canceled",
        "Failed",
        "Finished",
        "Ready",
        "Running",
    ]
    assert [row.split()[3] for row in rows] == [
        "WAITING_ON_DEPENDENCIES",
        "CANCELED",
        "FAILED",
        "FINISHED",
        "WAITING_FOR_RUNNER",
        "RUNNING",
    ]


def test_list_runs_by_status(aws, pipeline):
    """Every word of the CLI, whose CANCELLED is the API's CANCELED."""
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda word: runs(aws, pipeline, "--status", word), BY_STATUS)
        assert dict(zip(BY_STATUS, found, strict=True)) == BY_STATUS


def test_list_runs_by_time(aws, pipeline):
    """Dates and times, of the start, of the schedule, of both."""
    everything = sorted(statuses_of(BY_STATUS))
    assert runs(aws, pipeline, "--start-interval", ALWAYS) == everything
    assert runs(aws, pipeline, "--start-interval", LONG_AGO) == []
    both = ["--schedule-interval", ALWAYS, "--start-interval", ALWAYS]
    assert runs(aws, pipeline, *both) == everything
    assert runs(aws, pipeline, "--schedule-interval", LONG_AGO) == []


def statuses_of(by_status):
    """All components."""
    return {name for found in by_status.values() for name in found}


def test_more_runs_than_one_description_has(aws, api):
    """The CLI describes a hundred at a time and follows no marker: none is missing."""
    many = start(api, *(activity(f"A{n:03}", new_group()) for n in range(230)))
    assert runs(aws, many) == [f"A{n:03}" for n in range(230)]


def test_query_and_describe(aws, api, pipeline):
    """Ids by a query, and what they stand for."""
    failed = '{"selectors":[{"fieldName":"@status","operator":{"type":"EQ","values":["FAILED"]}}]}'
    of = ["--pipeline-id", pipeline]
    found = aws("query-objects", *of, "--sphere", "INSTANCE", "--objects-query", failed)
    (name,) = found["ids"]
    assert found["ids"] == ids(api, pipeline, "INSTANCE", selector("@status", "EQ", "FAILED"))
    some = ["--object-ids", name, "Failed", f"{name}_Attempt=1", "--evaluate-expressions"]
    described = aws("describe-objects", *of, *some)["pipelineObjects"]
    assert [each["id"] for each in described] == [name, "Failed", f"{name}_Attempt=1"]


def test_set_status_changes_instances_and_components(aws, api):
    """The five words, in small letters too."""
    group = new_group()
    made = start(api, *(activity(name, group, maximumRetries="0") for name in "AB"))
    one, two = ids(api, made)

    def change(status, *names):
        said = aws("set-status", "--pipeline-id", made, "--status", status, "--object-ids", *names)
        assert said == {}

    change("pause", "A", "B")
    assert statuses(api, made) == {"A": "PAUSED", "B": "PAUSED"}
    change("RESUME", "A", "B")
    assert statuses(api, made) == {"A": "WAITING_FOR_RUNNER", "B": "WAITING_FOR_RUNNER"}
    change("try_cancel", one)
    change("mark_finished", two)
    assert statuses(api, made) == {"A": "CANCELED", "B": "FINISHED"}
    change("rerun", one)
    assert statuses(api, made) == {"A": "WAITING_FOR_RUNNER", "B": "FINISHED"}


def test_deactivate_cancels_unless_told_otherwise(aws, api):
    """What runs goes on with --no-cancel-active, and is canceled without."""
    group = new_group()
    made = start(api, item("Default", maxActiveInstances="2"), activity("A", group))
    handle = poll(api, group)["taskId"]
    api.report_task_progress(taskId=handle)
    assert aws("deactivate-pipeline", "--pipeline-id", made, "--no-cancel-active") == {}
    assert api.report_task_progress(taskId=handle)["canceled"] is False
    assert aws("deactivate-pipeline", "--pipeline-id", made) == {}
    assert api.report_task_progress(taskId=handle)["canceled"] is True


def test_the_runs_of_a_schedule(aws, api):
    """Begun at a time that the CLI is given; its runs are listed by their intervals."""
    group, made = new_group(), create(api)
    work = scheduled("A", group, precondition=Ref("Check"), maxActiveInstances="2")
    check = item("Check", type="ShellCommandPrecondition", command="true")
    put(api, made, work, check, schedule("1 day", "2024-05-01T00:00:00", occurrences="9"))
    start_at = ["--start-timestamp", "2024-05-03T00:00:00Z"]
    assert aws("activate-pipeline", "--pipeline-id", made, *start_at) == {}
    wait_until(lambda: len(ids(api, made)) == 8)
    finish(api, poll(api, group), "FALSE")
    listed = ["list-runs", "--pipeline-id", made]
    found = aws(*listed, "--output", "json", "--schedule-interval", "2024-05-02,2024-05-03")
    rows = {(run["@componentParent"], run["@scheduledStartTime"][:10]): run for run in found}
    shown = {key: (run["@status"], run["@scheduledEndTime"][:10]) for key, run in rows.items()}
    assert shown == {
        ("A", "2024-05-02"): ("SKIPPED", "2024-05-03"),
        ("Check", "2024-05-02"): ("SKIPPED", "2024-05-03"),
        ("A", "2024-05-03"): ("WAITING_ON_DEPENDENCIES", "2024-05-04"),
        ("Check", "2024-05-03"): ("SCHEDULED", "2024-05-04"),
    }
    table = aws.text(*listed)
    assert table.count("SKIPPED") == 4
    assert "Check" in table
    with pytest.raises(AwsError, match="startTimestamp"):
        aws("activate-pipeline", "--pipeline-id", made, "--start-timestamp", "1960-01-01")


def test_a_start_for_a_pipeline_on_demand(aws, api):
    """The CLI passes the refusal on."""
    made = create(api)
    put(api, made, activity("A", new_group()))
    words = ["--pipeline-id", made, "--start-timestamp", "2024-05-03"]
    with pytest.raises(AwsError, match="runs on demand"):
        aws("activate-pipeline", *words)
    assert ids(api, made) == []
