"""Redis and HTTP: is the store well, and are calls answered?"""

from __future__ import annotations

from .pages import Page, Section
from .panels import Line, lines, stat_of
from .queries import largest, mean, per_second, quantile, select, share

LONG = 'operation="PollForTask"'
BROKEN = 'status=~"5.."'
SHORT = 'operation!="PollForTask"'

STATE = [
    stat_of(
        "Replicas up",
        "Replicas that Prometheus reaches.",
        "Fewer than you run: see ReplicaDown and ReplicaMissing.",
        'sum (up{job="$job"})',
        limits=(("green", 1.0),),
    ),
    stat_of(
        "Redis answers",
        "1 if Redis answers every replica, 0 if there is one that it does not.",
        "See RedisUnreachable.",
        f"min ({select('redis_up')})",
        limits=(("green", 1.0),),
    ),
    stat_of(
        "Append-only file",
        "1 if Redis writes one (on every primary), 0 if not: work would not outlive its restart.",
        "See AppendOnlyOff.",
        f"min ({select('redis_append_only')})",
        limits=(("green", 1.0),),
    ),
    stat_of(
        "Credentials",
        "Access keys in force; 0 where calls are not signed.",
        "Fewer than you expect: see CredentialsBroken.",
        f"min ({select('credentials')})",
    ),
    stat_of(
        "Server errors",
        "Calls answered with a status of 500 or above, as a share of all.",
        "See ApiErrors.",
        share(
            f"({per_second('http_requests_total', BROKEN)} or vector(0))",
            per_second("http_requests_total"),
        ),
        unit="percentunit",
        limits=(("orange", 0.001), ("red", 0.01)),
    ),
    stat_of(
        "Versions",
        "How many versions of the coordinator run at a time.",
        "More than one for longer than a roll-out takes: see MixedVersions.",
        f"count (count by (version) ({select('build_info')}))",
        limits=(("orange", 2.0),),
    ),
]
REDIS = [
    lines(
        "Round trip",
        "From the write of a batch of calls to its last answer, as replicas see it.",
        "Above 10 ms: network, a slow command of somebody else (SLOWLOG GET), fork of a "
        "snapshot, or a "
        "CPU that is full.",
        Line(quantile(0.5, "redis_round_trip_seconds"), "half within"),
        Line(quantile(0.99, "redis_round_trip_seconds"), "99 % within"),
        Line(mean("redis_round_trip_seconds"), "mean"),
        unit="s",
    ),
    lines(
        "Calls and batches",
        "Calls of Redis each second, and the writes that carried them.",
        "Nothing: calls that come in the same moment share a write, so batches grow slower.",
        Line(per_second("redis_calls_total"), "calls"),
        Line(per_second("redis_batches_total"), "batches"),
        unit="ops",
    ),
    lines(
        "Calls in a batch",
        "How many calls a write carries.",
        "Nothing: large batches are a busy replica, which is when they save most.",
        Line(mean("redis_batch_calls"), "mean"),
        Line(quantile(0.99, "redis_batch_calls"), "99 % have at most"),
    ),
    lines(
        "Script calls",
        "Calls of each script a second.",
        "Compare with what is slow beside it; lua/README.md says what each does.",
        Line(per_second("script_calls_total", by="script"), "{{script}}"),
        unit="ops",
        stacked=True,
    ),
    lines(
        "Time of a script call",
        "Mean time of a call of each script, from send to answer.",
        "All slow: Redis or the network. One: its pipeline is large, report it.",
        Line(
            share(
                per_second("script_seconds_total", by="script"),
                per_second("script_calls_total", by="script"),
            ),
            "{{script}}",
        ),
        unit="s",
    ),
    lines(
        "Refusals of scripts",
        "Error answers of Redis to calls of scripts, by code, each second. NOSCRIPT and NOT_STAGED "
        "are answered by sending what is missing; the others are mostly callers' mistakes.",
        "OOM: see MemoryNearLimit. MOVED and TRYAGAIN for long: a Cluster that does not settle.",
        Line(per_second("script_errors_total", by="code"), "{{code}}"),
        unit="ops",
    ),
    lines(
        "Memory",
        "Memory that Redis uses, and its maxmemory (0: none is set).",
        "Near the limit: see MemoryNearLimit.",
        Line(largest("redis_memory_bytes"), "used"),
        Line(largest("redis_memory_limit_bytes"), "limit"),
        unit="bytes",
    ),
    lines(
        "Reachable",
        "Whether Redis answers each replica.",
        "One replica only: see RedisUnreachable. All: see AllRedisUnreachable.",
        Line(f"min by (instance) ({select('redis_up')})", "{{instance}}"),
    ),
    lines(
        "Connections made again",
        "Connections to Redis that replicas had to make again, each second.",
        "In bursts: restarts and failovers. Constantly: a proxy or a time-out between them.",
        Line(per_second("redis_reconnects_total", by="instance"), "{{instance}}"),
        unit="ops",
    ),
]
HTTP = [
    lines(
        "Calls by operation",
        "Calls answered each second.",
        "Compare with what is slow or refused beside it.",
        Line(per_second("http_requests_total", by="operation"), "{{operation}}"),
        unit="reqps",
        stacked=True,
    ),
    lines(
        "Calls by status",
        "Calls answered each second, by HTTP status. 400: the caller's mistake.",
        "5xx: see ApiErrors. 400 after a deployment: a client that does not fit.",
        Line(per_second("http_requests_total", by="status"), "{{status}}"),
        unit="reqps",
        stacked=True,
    ),
    lines(
        "Errors",
        "Errors answered each second, by name.",
        "InternalServiceError: Redis. Throttling: limits. Signature errors: keys or clocks.",
        Line(per_second("errors_total", by="error"), "{{error}}"),
        unit="ops",
    ),
    lines(
        "Time to answer",
        "99 in a hundred calls were answered within this, by operation; polls, which wait for "
        "work, "
        "are apart.",
        "All slow: Redis (Round trip), or a replica whose CPU is full. One: its pipeline is large.",
        Line(quantile(0.99, "http_request_seconds", SHORT, by="operation"), "{{operation}}"),
        unit="s",
    ),
    lines(
        "Time of polls",
        "How long PollForTask took, waiting included.",
        "Never more than COORDINATOR_POLL_WAIT and a little.",
        Line(quantile(0.5, "http_request_seconds", LONG), "half within"),
        Line(quantile(0.99, "http_request_seconds", LONG), "99 % within"),
        unit="s",
    ),
    lines(
        "Refused by limits",
        "Requests refused by a limit, each second.",
        "See CallsLimited.",
        Line(per_second("limited_total", by="limit"), "{{limit}}"),
        unit="ops",
    ),
]
PAGE = Page(
    uid="coordinator-redis-http",
    title="Redis and HTTP",
    description="Is the store well, and are calls answered?",
    sections=[
        Section("State", STATE),
        Section("Redis", REDIS),
        Section("HTTP", HTTP),
    ],
    alerts=(
        "CoordinatorDown",
        "ReplicaDown",
        "ReplicaMissing",
        "LoadBalancerDown",
        "LoadBalancerErrors",
        "AllRedisUnreachable",
        "RedisUnreachable",
        "AppendOnlyOff",
        "MemoryNearLimit",
        "ApiErrors",
        "CallsLimited",
        "CredentialsBroken",
        "MixedVersions",
    ),
)
