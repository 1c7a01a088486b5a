"""How logs look: one shape for every line of ours and of the libraries, as text or as JSON.

All of it goes through the standard library's `logging` and is written out by structlog: time (UTC),
level, logger, event, further fields. Tracebacks are plain: those with the values of variables would
print secrets. Libraries are heard from warnings on, whatever the level: some write out what they
send.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from coordinator.config import Settings

OURS, AUDIT = "coordinator", "coordinator.audit"
OF_CLIENTS: Final = (
    "Invalid HTTP request received",
    "Unsupported upgrade request",
    "No supported WebSocket library detected",
)
FIRST: Final = ("timestamp", "level", "logger", "event")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def log_to_stderr(settings: Settings) -> None:
    """Write log lines to stderr from now on, as the settings say."""
    handler = logging.StreamHandler()
    handler.setFormatter(_formatter(as_json=settings.log_format == "json"))
    level = settings.log_level.upper()
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level)), handlers=[handler])
    logging.getLogger(OURS).setLevel(level)
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").addFilter(_is_not_of_a_client)
    logging.captureWarnings(capture=True)


def _is_not_of_a_client(record: logging.LogRecord) -> bool:
    """Leave out uvicorn's lines about what anybody may send as often as they like.

    Such a request is answered, counted, and in the audit trail, of which there is a bound.
    """
    return not record.getMessage().startswith(OF_CLIENTS)


def _formatter(*, as_json: bool) -> structlog.stdlib.ProcessorFormatter:
    """Render what `logging` records; the fields are those given as `extra`."""
    added: list[Processor] = [
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    rendered: list[Processor] = [remove, *(_json() if as_json else _console())]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=added, processors=rendered)


def _json() -> list[Processor]:
    return [structlog.processors.format_exc_info, _in_order, structlog.processors.JSONRenderer()]


def _console() -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        pad_event_to=0,
        sort_keys=False,
        exception_formatter=structlog.dev.plain_traceback,
    )
    return [_on_one_line, renderer]


def _in_order(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {**{name: event[name] for name in FIRST}, **event}


def _on_one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Let no text that came from outside begin a line of its own, or talk to the terminal."""
    return {
        name: value.translate(_CONTROLS) if isinstance(value, str) else value
        for name, value in event.items()
    }
