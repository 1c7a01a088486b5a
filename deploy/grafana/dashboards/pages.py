"""A page: its variables and links, rows of panels, and at its end the runbook of its alerts."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import NamedTuple

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from .panels import PROMETHEUS, note

__all__ = ["Page", "Section", "make", "runbook_section"]

RUNBOOK = Path(__file__).parents[2] / "runbook.md"
TAG = "lease-coordinator"


class Section(NamedTuple):
    """Panels under a heading; each line of them is 24 wide."""

    heading: str
    panels: list[Builder[Panel]]


class Page(NamedTuple):
    """What a dashboard shows, and the alerts of the runbook that belong to it."""

    uid: str
    title: str
    description: str
    sections: list[Section]
    alerts: tuple[str, ...]
    groups: bool = False


class _Numbered(Builder[Panel]):
    """A panel with an id, by which links find it."""

    def __init__(self, panel: Builder[Panel], number: int) -> None:
        self._panel = panel
        self._number = number

    def build(self) -> Panel:
        """Build the panel."""
        built = self._panel.build()
        built.id_val = self._number
        return built


def make(page: Page) -> Dashboard:
    """Lay a page out."""
    made = (
        Dashboard(page.title)
        .uid(page.uid)
        .description(page.description)
        .tags([TAG])
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(_others())
        .variables([_datasource(), _job(), *([_group()] if page.groups else [])])
    )
    numbers = count(1)
    for section in page.sections:
        made.with_row(Row(section.heading).id(next(numbers)))
        for panel in section.panels:
            made.with_panel(_Numbered(panel, next(numbers)))
    return made.with_row(_runbook(page.alerts, numbers))


def runbook_section(alert: str) -> str:
    """Return what the runbook says of an alert, without its heading.

    Raises:
        LookupError: it has no such section.
    """
    found = re.search(
        rf"^### {alert}\n+(.*?)(?=^#|\Z)", RUNBOOK.read_text(), re.DOTALL | re.MULTILINE
    )
    if found is None:
        raise LookupError(f"{RUNBOOK} has no section {alert}")
    return found[1].strip()


def _runbook(alerts: tuple[str, ...], numbers: count[int]) -> Row:
    row = Row("Runbook: what to do when an alert fires").id(next(numbers)).collapsed(True)
    for alert in alerts:
        row.with_panel(_Numbered(note(alert, runbook_section(alert)), next(numbers)))
    return row


def _others() -> DashboardLink:
    return (
        DashboardLink("Coordinator")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(True)
    )


def _datasource() -> DatasourceVariable:
    return DatasourceVariable("datasource").label("Data source").type("prometheus")


def _job() -> QueryVariable:
    return _labels("job", "Job", "label_values(coordinator_redis_up, job)")


def _group() -> QueryVariable:
    known = 'label_values(coordinator_ready_tasks{job="$job"}, worker_group)'
    everything = VariableOption(text="All", value="$__all", selected=True)
    variable = _labels("group", "Worker group", known).multi(True).include_all(True)
    return variable.all_value(".*").current(everything)


def _labels(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )
