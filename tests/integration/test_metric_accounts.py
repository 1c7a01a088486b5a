"""What a reader with an account sees on /metrics, and what the admin port shows."""

from __future__ import annotations

from base64 import b64encode
from contextlib import closing

import pytest
from gate import PAIRS, Gate, entry, everybody
from pipelines import activity, finish, poll, start
from replicas import ReplicaProcess
from scrape import families, parsed
from servers import Server
from waiting import wait_until

READERS = {"data": "viewer", "elsewhere": "stranger"}
GROUPS = {"data": {"etl-a": 1, "etl-b": 0}, "elsewhere": {"web-a": 4, "web-b": 3, "web-c": 2}}
LAST_POLL = "group_last_poll_age_seconds"
BY_GROUP = ["ready_tasks", "ready_oldest_age_seconds", LAST_POLL, "polls", "group_waiters"]


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    """Two workers whose pages need a pair, and which name two groups at most."""
    server = Server("valkey", aof=True)
    made = Gate(server, tmp_path_factory.mktemp("accounts"), METRICS_GROUPS=2)
    both = entry("stranger", roles=["operator", "runner"], worker_groups=["*"])
    made.write(everybody().replace(entry("stranger"), both))
    made.replica.arguments = ["--workers", "2"]
    with closing(server), closing(made.replica):
        server.start()
        made.replica.start()
        yield made


@pytest.fixture(scope="module", autouse=True)
def busy(gate):
    """Each account has ready tasks, and its groups were polled once."""
    for account, who, runner in (
        ("data", "operator", "runner"),
        ("elsewhere", "stranger", "stranger"),
    ):
        with closing(gate.replica.client_of(PAIRS[who])) as api:
            for group, count in GROUPS[account].items():
                start(api, *(activity(f"Work{n}", group) for n in range(count + 1)))
        with closing(gate.replica.client_of(PAIRS[runner])) as api:
            for group in GROUPS[account]:
                finish(api, poll(api, group))
        wait_until(lambda who=READERS[account]: len(accounts(page(gate, who), LAST_POLL)) == 2)


@pytest.fixture(scope="module")
def admin(gate):
    """A replica of the same service with an admin port."""
    made = ReplicaProcess(
        gate.server.url, CREDENTIALS_FILE=gate.file, ADMIN_PORT=0, METRICS_GROUPS=2
    )
    with closing(made):
        made.start()
        yield made


def page(gate, who):
    """What somebody is shown."""
    pair = b64encode(":".join(PAIRS[who]).encode()).decode()
    answer = gate.replica.get("/metrics", Authorization=f"Basic {pair}")
    assert answer.status == 200
    return parsed(answer.body)


def accounts(found, name):
    """The accounts and worker groups of a family's series, which may be missing."""
    family = found.get(f"coordinator_{name}")
    samples = family.samples if family else ()
    return {(sample.labels["account"], sample.labels["worker_group"]) for sample in samples}


@pytest.mark.parametrize("account", READERS)
def test_a_reader_sees_its_own_groups(gate, account):
    """By name though others are larger, or polled of late; no others, and not what the rest has."""
    found = page(gate, READERS[account])
    named = sorted(GROUPS[account])[:2]
    ready = {(account, group) for group in named if GROUPS[account][group]}
    assert accounts(found, "ready_tasks") == ready
    assert accounts(found, LAST_POLL) == {(account, group) for group in named}
    for name in BY_GROUP:
        assert {whose for whose, _ in accounts(found, name)} <= {account}, name


@pytest.mark.parametrize("account", READERS)
def test_no_word_of_others_is_on_the_page(gate, account):
    """In no label of any series, of either worker."""
    (other,) = READERS.keys() - {account}
    found = page(gate, READERS[account])
    words = {value for each in found.values() for s in each.samples for value in s.labels.values()}
    assert not words & {other, "other", *GROUPS[other]}
    assert {"0", "1"} <= words


def test_the_admin_port_shows_all(admin):
    """Whoever looks after the service sees the largest groups of all accounts, and the rest."""
    ready = families(admin)["coordinator_ready_tasks"].samples
    counts = {(s.labels["account"], s.labels["worker_group"]): s.value for s in ready}
    tasks = {account: sum(groups.values()) for account, groups in GROUPS.items()}
    assert counts == {
        ("elsewhere", "web-a"): 4,
        ("elsewhere", "web-b"): 3,
        ("", "other"): sum(tasks.values()) - 7,
    }


def test_polls_have_the_number_of_a_worker(gate):
    """Whichever counted it; the account's one poll of each group is there once."""
    polls = [s for s in page(gate, "viewer")["coordinator_polls"].samples if s.value]
    counts = sorted((s.labels["worker_group"], s.value) for s in polls)
    assert counts == [("etl-a", 1), ("etl-b", 1)]
    assert {s.labels["worker"] for s in polls} <= {"0", "1"}
