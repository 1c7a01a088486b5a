"""The kinds of panel that our dashboards have, each with one look.

Every panel says what it `tells` and what to `do` when that is not as it should be: both stand in
its description. Limits are pairs of a colour and the value from which it is shown.
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    MatcherConfig,
    Panel,
    Threshold,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

if TYPE_CHECKING:
    from grafana_foundation_sdk.cog.builder import Builder

__all__ = ["PROMETHEUS", "Column", "Limits", "Line", "lines", "note", "stat_of", "table_of"]

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="$datasource")
NOTHING = "none"
STAT_HEIGHT, LINES_HEIGHT, TABLE_HEIGHT = 4, 8, 9
Limits = tuple[tuple[str, float], ...]


class Line(NamedTuple):
    """A query, and what its series are called (`{{label}}` stands for a label's value)."""

    expr: str
    legend: str


class Column(NamedTuple):
    """A query whose value becomes a column of a table, in a row for each set of labels."""

    expr: str
    title: str
    unit: str
    limits: Limits = ()


def stat_of(
    title: str, tells: str, do: str, expr: str, *, unit: str = "short", limits: Limits = ()
) -> Builder[Panel]:
    """Show one number, the latest, with its course behind it."""
    mode = BigValueColorMode.BACKGROUND if limits else BigValueColorMode.NONE
    return (
        stat.Panel()
        .title(title)
        .description(_description(tells, do))
        .datasource(PROMETHEUS)
        .height(STAT_HEIGHT)
        .span(4)
        .unit(unit)
        .decimals(
            0 if unit == "short" else 2
        )  # an increase that is extrapolated is no whole number
        .no_value(NOTHING)
        .thresholds(_thresholds(limits))
        .color_mode(mode)
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_query("A", Line(expr, title)))
    )


def lines(
    title: str,
    tells: str,
    do: str,
    *shown: Line,
    unit: str = "short",
    limits: Limits = (),
    span: int = 8,
    stacked: bool = False,
) -> Builder[Panel]:
    """Show series over time; limits are drawn as dashed lines."""
    style = GraphThresholdsStyleMode.DASHED if limits else GraphThresholdsStyleMode.OFF
    panel = (
        timeseries.Panel()
        .title(title)
        .description(_description(tells, do))
        .datasource(PROMETHEUS)
        .height(LINES_HEIGHT)
        .span(span)
        .unit(unit)
        .min(0)
        .no_value(NOTHING)
        .thresholds(_thresholds(limits))
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
        .show_points(VisibilityMode.AUTO)
        .fill_opacity(40 if stacked else 10)
        .legend(_legend())
        .tooltip(
            common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
        )
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for letter, line in zip(ascii_uppercase, shown, strict=False):
        panel.with_target(_query(letter, line))
    return panel


def table_of(
    title: str, tells: str, do: str, labels: dict[str, str], *columns: Column
) -> Builder[Panel]:
    """Show the latest values, with a row for each set of the labels (name: heading)."""
    panel = (
        table.Panel()
        .title(title)
        .description(_description(tells, do))
        .datasource(PROMETHEUS)
        .height(TABLE_HEIGHT)
        .span(24)
        .transformations(
            [DataTransformerConfig(id_val="merge", options={}), _headings(labels, columns)]
        )
    )
    for letter, column in zip(ascii_uppercase, columns, strict=False):
        query = _query(letter, Line(column.expr, column.title)).instant()
        panel.with_target(query.format(PromQueryFormat.TABLE))
        panel.with_override(MatcherConfig("byName", column.title), _properties(column))
    return panel


def note(title: str, markdown: str) -> Builder[Panel]:
    """Show a text."""
    return text.Panel().title(title).mode(TextMode.MARKDOWN).content(markdown).height(9).span(12)


def _description(tells: str, do: str) -> str:
    return f"{tells}\n\n**What to do:** {do}"


def _query(letter: str, line: Line) -> prometheus.Dataquery:
    query = prometheus.Dataquery().ref_id(letter).datasource(PROMETHEUS)
    return query.expr(line.expr).legend_format(line.legend).range()


def _steps(limits: Limits) -> list[Threshold]:
    below = "red" if limits and limits[0][0] == "green" else "green"
    base = below if limits else "text"
    return [Threshold(None, base), *(Threshold(value, colour) for colour, value in limits)]


def _thresholds(limits: Limits) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig().steps(_steps(limits))


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull"])
    )


def _headings(labels: dict[str, str], columns: tuple[Column, ...]) -> DataTransformerConfig:
    values = {
        f"Value #{letter}": column.title
        for letter, column in zip(ascii_uppercase, columns, strict=False)
    }
    order = {name: index for index, name in enumerate([*labels, *values])}
    options = {
        "excludeByName": {"Time": True},
        "indexByName": order,
        "renameByName": labels | values,
    }
    return DataTransformerConfig(id_val="organize", options=options)


def _properties(column: Column) -> list[DynamicConfigValue]:
    found = [DynamicConfigValue("unit", column.unit)]
    if column.limits:
        found.append(
            DynamicConfigValue("thresholds", {"mode": "absolute", "steps": _steps(column.limits)})
        )
        found.append(DynamicConfigValue("custom.cellOptions", {"type": "color-background"}))
    return found
