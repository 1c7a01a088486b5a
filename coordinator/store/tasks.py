"""The life of a task in the store: claim, report, finish, give back. One script call each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coordinator.domain.ids import Handle
    from coordinator.store.scripts import Scripts


Again = Literal["again"]
AGAIN: Again = "again"


class Claimed(NamedTuple):
    """A task handed out. Times in ms; `lag_ms`: from deadline to hand-out if requeued, else -1.

    `waited_ms`: how long it was ready, -1 if it was handed out before. `again`: an earlier try of
    the call was given it already.
    """

    pipeline_id: str
    n: int
    attempt: int
    claim: str
    token: str
    lag_ms: int
    more: bool
    waited_ms: int
    template: bytes
    instance_id: str
    component: str
    scheduled_ms: int
    created_ms: int
    progress_timeout_ms: int
    version: str
    scheduled_end_ms: int
    checkpoint: dict[str, bytes]
    again: bool


class PolledGroup(NamedTuple):
    """A worker group: when it was last polled (ms; 0: not that is known), by how many lately."""

    group: str
    polled_ms: int
    pollers: int


class PollCall(NamedTuple):
    """A PollForTask call: whose, for what, which, and the try it is (from 1)."""

    account: str
    group: str
    call: str
    attempt: int
    hostname: str


class Tasks:
    """The task half of the store.

    A lease counts as stale once its holder has not reported for `stale_ms`, from its first report
    on.
    """

    def __init__(self, scripts: Scripts, stale_ms: int = 300_000) -> None:
        self._scripts = scripts
        self._stale_ms = stale_ms

    async def claim(
        self, shard: int, poll: PollCall, claim: str, ack_ms: int, *, durable: bool = True
    ) -> Claimed | Again | None:
        """Hand out the next ready task of the group, or the one this very call was given before.

        `AGAIN` where many tasks had to be put aside: there may be one behind them.

        Raises:
            PollSupersededError: a later try of this call has begun.
        """
        run = self._scripts.call if durable else self._scripts.read
        reply = await run(
            "claim_task",
            shard,
            account=poll.account,
            group=poll.group,
            call=poll.call,
            **{"try": poll.attempt},
            claim=claim,
            hostname=poll.hostname,
            ack_ms=ack_ms,
        )
        if reply is None:
            return None
        return AGAIN if reply == b"again" else _claimed(reply, claim)

    async def bar(self, shard: int, poll: PollCall, keep_ms: int) -> bool:
        """Bar earlier tries of the call from claiming; True if one of them has a task."""
        reply = await self._scripts.read(
            "bar_call", shard, call=poll.call, **{"try": poll.attempt}, keep_ms=keep_ms
        )
        return bool(reply == b"held")

    async def give_back(self, poll: PollCall, task: Claimed, shard: int) -> bool:
        """Offer a task again at once that was claimed for `poll` but never told.

        False if it is not its own: taken away, acknowledged, or told to a later try of the call.
        """
        reply = await self._scripts.read(
            "return_task",
            shard,
            scope=f"{poll.account}:{task.pipeline_id}",
            n=task.n,
            claim=task.claim,
            call=poll.call,
            **{"try": poll.attempt},
        )
        return reply is not None

    async def report(
        self,
        account: str,
        handle: Handle,
        timeout_ms: int,
        fields: Sequence[str | bytes] = (),
        globs: Sequence[str] = (),
    ) -> tuple[str, int]:
        """Renew the lease; `fields` are key, JSON, …. The hot path: one call of 7 commands.

        The task must be of a worker group that one of `globs` stands for, if there are any.

        Returns: acknowledged or accepted, and the thousandths of the lease's time that were left;
            superseded, canceled or deleted, and the ms for which it has been so; repeat, and 0.

        Raises:
            TaskNotFoundError, PipelineNotFoundError, PipelineDeletedError, InvalidRequestError,
            ForeignGroupError
        """
        shard, pipeline_id, n, attempt, claim = handle
        scope = f"{account}:{pipeline_id}"
        reply = await self._scripts.call_in_order(
            "report_progress",
            shard,
            (scope, n, attempt, claim, timeout_ms, "\n".join(globs), self._stale_ms, *fields),
        )
        if type(reply) is int:
            return ("accepted", reply) if reply >= 0 else ("acknowledged", -1 - reply)
        if type(reply) is list:
            return reply[0].decode(), reply[1]
        return "repeat", 0

    async def finish(
        self,
        account: str,
        handle: Handle,
        status: str,
        errors: tuple[str, str, str],
        globs: Sequence[str] = (),
        *,
        final: bool = False,
        max_lost: int = 0,
        pace_ms: int = 0,
    ) -> str:
        """Record a result; `errors` are id, message, stack trace, each may be empty.

        A `final` failure is one that no retry would mend. With `max_lost` the task failed only
        because its runner was stopped: no try is used up, so many times in a row (together with
        lost leases) without progress in between. The next attempt is offered at once, but not
        sooner than `pace_ms` after the hand-out of this one, doubled with each in a row. `globs`
        are as of `report`.

        Returns: finished, failed, retried, unsatisfied (FALSE of a precondition), repeat or
        canceled.

        Raises:
            TaskNotFoundError, PipelineNotFoundError, PipelineDeletedError, InvalidRequestError,
            ForeignGroupError
        """
        reply: bytes = await self._scripts.call(
            "finish_task",
            handle.shard,
            scope=f"{account}:{handle.pipeline_id}",
            n=handle.n,
            attempt=handle.attempt,
            claim=handle.claim,
            status=status,
            error_id=errors[0],
            error_message=errors[1],
            stack_trace=errors[2],
            final=int(final),
            max_lost=max_lost,
            pace_ms=pace_ms,
            globs="\n".join(globs),
        )
        return reply.decode()

    async def ready_groups(self, shard: int, groups: Sequence[tuple[str, str]]) -> list[int]:
        """For each (account, worker group): how many pipelines have ready tasks in this shard."""
        flat = [part for group in groups for part in group]
        reply: list[int] = await self._scripts.read("ready_groups", shard, *flat)
        return reply

    async def note_polls(self, shard: int, account: str, polls: Iterable[tuple[str, str]]) -> None:
        """Remember which groups of an account were polled, and by which hostnames."""
        flat = [part for poll in polls for part in poll]
        await self._scripts.read("record_polls", shard, *flat, account=account)

    async def polled(
        self, shard: int, account: str, groups: Sequence[str], most: int
    ) -> tuple[int, list[PolledGroup]]:
        """Return now (ms), and who polls these groups and the `most` that were polled last."""
        now_ms, *rows = await self._scripts.read(
            "read_polls", shard, *groups, account=account, most=most
        )
        return now_ms, [PolledGroup(row[0].decode(), row[1], row[2]) for row in rows]

    async def backlogs(
        self, shard: int, account: str, most: int
    ) -> tuple[int, int, list[list[Any]], list[list[Any]]]:
        """Return now (ms), the ready tasks of groups left out, the largest and the last polled.

        Rows are ``<account>:<group>``, ready tasks, ms when the oldest became ready; and
        ``<account>:<group>``, ms. An empty `account` stands for all.
        """
        now_ms, left_out, largest, polled = await self._scripts.read(
            "read_groups", shard, account=account, most=most
        )
        return now_ms, left_out, largest, polled

    async def heartbeat(
        self, shard: int, account: str, runner: str, group: str, hostname: str, keep_ms: int
    ) -> None:
        """Remember that a task runner is alive, for `keep_ms`."""
        await self._scripts.read(
            "record_heartbeat",
            shard,
            account=account,
            runner=runner,
            group=group,
            hostname=hostname,
            keep_ms=keep_ms,
        )


def _claimed(reply: list[bytes], claim: str) -> Claimed:
    pairs = reply[16:]
    return Claimed(
        pipeline_id=reply[0].decode(),
        n=int(reply[1]),
        attempt=int(reply[2]),
        claim=reply[3].decode(),
        token=reply[4].decode(),
        lag_ms=int(reply[5]),
        more=bool(reply[6]),
        waited_ms=int(reply[7]),
        template=reply[8],
        instance_id=reply[9].decode(),
        component=reply[10].decode(),
        scheduled_ms=int(reply[11]),
        created_ms=int(reply[12]),
        progress_timeout_ms=int(reply[13] or 0),
        version=reply[14].decode(),
        scheduled_end_ms=int(reply[15]),
        checkpoint={pairs[i].decode(): pairs[i + 1] for i in range(0, len(pairs), 2)},
        again=reply[3] != claim.encode(),
    )
