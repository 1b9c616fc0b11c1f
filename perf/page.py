# perf/page.py: the results as one self-contained page of plots, drawn by Debian's Chart.js.
# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

from measure import Trouble

LIBRARY = [Path("/usr/share/javascript/chart.js/chart.min.js"), Path("/usr/share/javascript/chart.js/Chart.min.js")]

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>mirrorball: performance</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .15rem .7rem; text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f4f4f4 }
.plot { position: relative }
</style></head><body>
<h1>mirrorball: performance</h1>
<p id="about"></p>
<p>Bars are ratios of wall times on a logarithmic scale; shorter is faster, and 1 is as fast as what is compared with. The
whiskers are half the range of the repetitions.</p>
<div id="plots"></div>
<script>@LIBRARY@</script>
<script type="application/json" id="data">@DATA@</script>
<script>
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const colours = { to_native: "#2a6fbb", qemu_to_native: "#d98a29", to_qemu: "#2a6fbb" };
const names = { to_native: "mirrorball / native", qemu_to_native: "QEMU / native", to_qemu: "mirrorball / QEMU" };
const whiskers = { id: "whiskers", afterDatasetsDraw(chart) {
  chart.data.datasets.forEach((set, i) => chart.getDatasetMeta(i).data.forEach((bar, k) => {
    const r = set.ratios[k];
    if (!r || !(r.median > 0)) return;
    const x = chart.scales.x, ctx = chart.ctx;
    const from = x.getPixelForValue(r.median * (1 - Math.min(r.spread, .9))), to = x.getPixelForValue(r.median * (1 + r.spread));
    ctx.save(); ctx.strokeStyle = "#222"; ctx.lineWidth = 1; ctx.beginPath();
    ctx.moveTo(from, bar.y); ctx.lineTo(to, bar.y);
    for (const at of [from, to]) { ctx.moveTo(at, bar.y - 3); ctx.lineTo(at, bar.y + 3); }
    ctx.stroke(); ctx.restore();
  }));
} };
function element(parent, kind, text) {
  const e = parent.appendChild(document.createElement(kind));
  if (text !== undefined) e.textContent = text;
  return e;
}
function plot(parent, rows, kinds) {
  kinds = kinds.filter(kind => rows.some(r => r[kind]));
  if (!kinds.length) return;
  const box = element(parent, "div");
  box.className = "plot";
  box.style.height = 90 + rows.length * (8 + 14 * kinds.length) + "px";
  new Chart(element(box, "canvas"), { type: "bar", plugins: [whiskers],
    data: { labels: rows.map(r => r.name), datasets: kinds.map(kind => ({ label: names[kind], backgroundColor: colours[kind],
      ratios: rows.map(r => r[kind]), data: rows.map(r => r[kind] ? r[kind].median : null) })) },
    options: { indexAxis: "y", animation: false, maintainAspectRatio: false,
      scales: { x: { type: "logarithmic", title: { display: true, text: "ratio of wall times" },
        ticks: { callback: v => /^[125]/.test((v / 10 ** Math.floor(Math.log10(v) + 1e-9)).toFixed(1)) ? String(+v.toPrecision(2)) : "" } } },
      plugins: { tooltip: { callbacks: { label: c => `${c.dataset.label}: ${c.raw.toPrecision(3)}` } } } } });
}
function cells(parent, kind, texts) {
  const row = element(parent, "tr");
  texts.forEach(t => element(row, kind, t));
}
const show = v => v == null ? "-" : v < 10 ? v.toFixed(2) : v.toFixed(1);
document.getElementById("about").textContent = `${data.when}; ${data.host}; ${data.versions.join("; ")}`;
const root = document.getElementById("plots");
for (const place of [...new Set(data.rows.map(r => `${r.guest} on ${r.cpu}`))]) {
  const here = r => `${r.guest} on ${r.cpu}` === place;
  element(root, "h2", place);
  const table = element(root, "table");
  cells(table, "th", ["geometric mean", "workloads", ...Object.values(names)]);
  data.means.filter(here).forEach(m => cells(table, "td", [m.group, m.count, ...Object.keys(names).map(k => show(m[k]))]));
  const rows = data.rows.filter(here);
  plot(root, rows, ["to_native", "qemu_to_native"]);
  plot(root, rows, ["to_qemu"]);
}
document.title += " (" + data.rows.length + " workloads)";
</script></body></html>
"""


def without_nan(value):
    """JSON has no NaN: null in its place."""
    if isinstance(value, dict):
        return {k: without_nan(v) for k, v in value.items()}
    if isinstance(value, list):
        return [without_nan(v) for v in value]
    return None if isinstance(value, float) and value != value else value


def render(data):
    library = next((p for p in LIBRARY if p.exists()), None)
    if not library:
        raise Trouble("there is no Chart.js: apt-get install libjs-chart.js")
    shown = {k: without_nan(data[k]) for k in ("host", "when", "versions", "rows", "means")}
    text = json.dumps(shown).replace("<", "\\u003c")
    script = library.read_text().replace("</script", "<\\/script")
    return PAGE.replace("@DATA@", text).replace("@LIBRARY@", script)
