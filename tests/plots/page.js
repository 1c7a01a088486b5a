// Lays the panels of a dashboard out as Grafana does, and draws them with uPlot.
const COLOURS = ["#56a64b", "#e0b400", "#3274d9", "#ff780a", "#e02f44", "#a352cc", "#3c9c9c",
  "#705da0", "#c15c17", "#8f3bb8", "#1f78c1", "#bf1b00"];
const NAMED = { green: "#56a64b", orange: "#ff780a", red: "#e02f44", text: "#24292e" };
const SCALES = {
  s: [[60, 60, " min"], [1, 1, " s"], [1e-3, 1e-3, " ms"], [0, 1e-6, " µs"]],
  bytes: [[2 ** 30, 2 ** 30, " GiB"], [2 ** 20, 2 ** 20, " MiB"], [0, 2 ** 10, " KiB"]],
  ops: [[0, 1, "/s"]],
  reqps: [[0, 1, "/s"]],
  percentunit: [[0, 0.01, " %"]],
  short: [[1e3, 1e3, " K"], [0, 1, ""]],
};
const [began, ended, step] = dashboard.span;
const times = [];
for (let at = began; at <= ended; at += step) times.push(at);

function shown(value, unit) {
  if (value === null || value === undefined) return "none";
  if (value === 0) return `0${SCALES[unit].at(-1)[2]}`.replace(" µs", " s").replace(" KiB", " B");
  const [, divisor, suffix] = SCALES[unit].find(([from]) => value >= from) ?? SCALES[unit].at(-1);
  return `${+(value / divisor).toPrecision(3)}${suffix}`;
}

function element(parent, tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

function values(series) {
  const row = new Array(times.length).fill(null);
  for (const [at, value] of series.points) row[Math.round((at - began) / step)] = value;
  return row;
}

const last = (series) => series.points.at(-1)?.[1];
const all = (panel) => panel.targets.flatMap((target) => target.series);

function colour(steps, value) {
  const passed = steps.filter((one) => one.value === null || value >= one.value);
  return NAMED[passed.at(-1)?.color ?? "text"];
}

function limits(steps) {
  return (plot) => {
    plot.ctx.save();
    plot.ctx.setLineDash([6, 4]);
    for (const { value, color } of steps) {
      const y = value === null ? -1 : plot.valToPos(value, "y", true);
      if (y < plot.bbox.top || y > plot.bbox.top + plot.bbox.height) continue;
      plot.ctx.strokeStyle = NAMED[color];
      plot.ctx.beginPath();
      plot.ctx.moveTo(plot.bbox.left, y);
      plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, y);
      plot.ctx.stroke();
    }
    plot.ctx.restore();
  };
}

// Opaque, because each area is drawn over those that it is stacked under.
function light(hex) {
  const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgb(${parts.map((part) => Math.round(part * 0.6 + 102)).join(" ")})`;
}

function stack(rows) {
  const sums = times.map(() => 0);
  return rows.map((row) => row.map((value, at) => (sums[at] += value ?? 0)));
}

function drawLines(box, panel) {
  const { unit, custom, thresholds } = panel.fieldConfig.defaults;
  const stacked = custom.stacking?.mode === "normal";
  const series = all(panel);
  let rows = series.map(values);
  if (stacked) rows = stack(rows);
  const lines = series.map((_, index) => ({
    stroke: COLOURS[index % COLOURS.length],
    fill: stacked ? light(COLOURS[index % COLOURS.length]) : `${COLOURS[index % COLOURS.length]}1a`,
    width: 1.3, points: { show: false }, spanGaps: false,
  }));
  if (stacked) { rows.reverse(); lines.reverse(); }
  const top = (_, low, high) => [0, high > 0 ? high * 1.08 : 1];
  const axis = { stroke: "#57606a", font: "10px DejaVu Sans", grid: { stroke: "#ebedef", width: 1 } };
  const clock = (_, ticks) => ticks.map((at) => `${Math.round(at - began)} s`);
  const style = custom.thresholdsStyle.mode === "off" ? [] : [limits(thresholds.steps)];
  new uPlot({
    width: box.clientWidth - 16, height: box.clientHeight - 64,
    legend: { show: false }, cursor: { show: false },
    scales: { x: { time: false }, y: { range: top } },
    axes: [{ ...axis, values: clock, size: 24 },
      { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => shown(tick, unit)) }],
    series: [{}, ...lines], hooks: { draw: style },
  }, [times, ...rows], box);
  const legend = element(box, "div", "legend");
  series.forEach((one, index) => {
    const entry = element(legend, "span");
    element(entry, "i").style.background = COLOURS[index % COLOURS.length];
    entry.append(`${one.name}: ${shown(last(one), unit)}`);
  });
}

function drawStat(box, panel) {
  const { unit, thresholds } = panel.fieldConfig.defaults;
  const [series] = all(panel);
  const value = series && last(series);
  if (panel.options.colorMode === "background" && value !== undefined) {
    box.classList.add("coloured");
    box.style.background = colour(thresholds.steps, value);
  }
  box.classList.add("stat");
  element(box, "div", "value", shown(unit === "short" && value ? Math.round(value) : value, unit));
  if (!series) return;
  const spark = element(box, "div", "spark");
  const stroke = box.classList.contains("coloured") ? "#ffffff" : "#3274d9";
  new uPlot({
    width: box.clientWidth, height: 45, legend: { show: false }, cursor: { show: false },
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, high || 1] } },
    axes: [{ show: false }, { show: false }], padding: [0, 0, 0, 0],
    series: [{}, { stroke, fill: `${stroke}66`, points: { show: false } }],
  }, [times, values(series)], spark);
}

function drawTable(box, panel) {
  const { renameByName, indexByName } = panel.transformations[1].options;
  const names = Object.keys(indexByName).sort((a, b) => indexByName[a] - indexByName[b]);
  const labels = names.filter((name) => !name.startsWith("Value"));
  const table = element(box, "table");
  const head = element(table, "tr");
  for (const name of names) element(head, "th", "", renameByName[name]);
  const rows = {};
  panel.targets.forEach((target, column) => target.series.forEach((one) => {
    const key = labels.map((label) => one.labels[label]).join("\n");
    if (one.points.at(-1)[0] > ended - 2 * step) (rows[key] ??= [])[column] = last(one);
  }));
  for (const [key, row] of Object.entries(rows).sort()) {
    const line = element(table, "tr");
    for (const label of key.split("\n")) element(line, "td", "", label);
    panel.fieldConfig.overrides.forEach(({ properties }, column) => {
      const set = Object.fromEntries(properties.map((one) => [one.id, one.value]));
      const missing = row[column] === undefined;
      const cell = element(line, "td", "", missing ? "" : shown(row[column], set.unit));
      if (missing || !set.thresholds) return;
      cell.className = "coloured";
      cell.style.background = colour(set.thresholds.steps, row[column]);
    });
  }
}

const DRAW = { timeseries: drawLines, stat: drawStat, table: drawTable };
const title = document.querySelector("h1");
title.textContent = `${dashboard.title} `;
element(title, "small", "", dashboard.description);
for (const panel of dashboard.panels) {
  const { x, y, w, h } = panel.gridPos;
  const box = element(document.getElementById("grid"), "div", panel.type === "row" ? "row" : "panel");
  box.style.gridArea = `${y + 1} / ${x + 1} / span ${h} / span ${w}`;
  element(box, panel.type === "row" ? "span" : "h3", "", panel.title);
  DRAW[panel.type]?.(box, panel);
}
