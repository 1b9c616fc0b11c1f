/* cli/compare_page.c: what mirrorball compare found as one self-contained page of plots, drawn by Debian's Chart.js. */
/* SPDX-License-Identifier: Apache-2.0 */
/* The page holds the library, the document of compare.h, and what draws the one with the other. */
#include "cli/compare.h"
#include "cli/options.h"
#include <stdlib.h>
#include <string.h>

static const char *const library[] = {"/usr/share/javascript/chart.js/chart.min.js",
                                      "/usr/share/javascript/chart.js/Chart.min.js"};

/* clang-format off */
static const char head[] =
"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>mirrorball: three modes</title>\n"
"<meta name='viewport' content='width=device-width, initial-scale=1'><link rel='icon' href='data:,'>\n"
"<style>\n"
"body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222 }\n"
"h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 2.5rem }\n"
"table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .15rem .7rem; text-align: right }\n"
"td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f4f4f4 }\n"
".plot { position: relative } .scroll { overflow-x: auto } .bad { color: #a00; font-weight: bold }\n"
"</style></head><body>\n<h1>One kernel, three ways to run it</h1>\n<p id='about'></p><div id='root'></div>\n<script>";

static const char middle[] = "</script>\n<script type='application/json' id='data'>";

static const char tail[] = "</script>\n<script>\n'use strict';\n"
"const data = JSON.parse(document.getElementById('data').textContent), root = document.getElementById('root');\n"
"const colour = { user: '#2a6fbb', kernel: '#7fb069', monitor: '#c8553d', idle: '#cfcfcf', trap: '#c8553d',\n"
"  translate: '#2a6fbb', bare: '#777', tlb_writes: '#e0a030', privileged: '#8a5a9e', kernel_tlb: '#4aa3a2' };\n"
"const words = { tlb_writes: 'TLB-write emulation', privileged: 'other privileged instructions', kernel: 'kernel execution',\n"
"  monitor: 'monitor: exceptions, devices, segments', kernel_tlb: 'kernel TLB faults' };\n"
"function add(parent, kind, text) {\n"
"  const e = parent.appendChild(document.createElement(kind));\n"
"  if (text !== undefined) e.textContent = text;\n"
"  return e;\n}\n"
"function table(heads, rows) {\n"
"  const t = add(add(root, 'div'), 'table'), top = add(t, 'tr');\n"
"  t.parentNode.className = 'scroll';\n"
"  heads.forEach(h => add(top, 'th', h));\n"
"  rows.forEach(r => { const tr = add(t, 'tr'); r.forEach(c => add(tr, 'td', c)); });\n}\n"
"function bars(labels, sets, title, more = {}) {\n"
"  const box = add(root, 'div');\n"
"  box.className = 'plot';\n"
"  box.style.height = 110 + labels.length * (more.stacked ? 30 : 12 + 16 * sets.length) + 'px';\n"
"  new Chart(add(box, 'canvas'), { type: 'bar', data: { labels, datasets: sets }, plugins: more.plugins || [],\n"
"    options: { indexAxis: 'y', animation: false, maintainAspectRatio: false, scales: {\n"
"      x: { stacked: !!more.stacked, suggestedMax: more.max, type: more.log ? 'logarithmic' : 'linear', title: { display: true, text: title } },\n"
"      y: { stacked: !!more.stacked, ticks: { autoSkip: false } } },\n"
"      plugins: { legend: { display: sets.length > 1 },\n"
"        tooltip: { callbacks: { label: c => `${c.dataset.label}: ${(+c.raw).toPrecision(4)}` } } } } });\n}\n"
"const whiskers = { id: 'whiskers', afterDatasetsDraw(chart) {\n"
"  chart.data.datasets.forEach((set, i) => chart.getDatasetMeta(i).data.forEach((bar, k) => {\n"
"    const s = set.spread[k], x = chart.scales.x, ctx = chart.ctx;\n"
"    const from = x.getPixelForValue(s.min), to = x.getPixelForValue(s.max);\n"
"    ctx.save(); ctx.strokeStyle = '#222'; ctx.beginPath(); ctx.moveTo(from, bar.y); ctx.lineTo(to, bar.y);\n"
"    for (const at of [from, to]) { ctx.moveTo(at, bar.y - 4); ctx.lineTo(at, bar.y + 4); }\n"
"    ctx.stroke(); ctx.restore();\n"
"  }));\n} };\n"
"const big = n => Math.round(n).toLocaleString('en'), part = n => n.toFixed(2), percent = n => (n * 100).toFixed(2) + ' %';\n"
"const runs = data.settings.flatMap(s => s.modes.map(m => ({ s, m, name: `${m.mode}, l2tlb ${s.l2tlb}` })));\n"
"document.getElementById('about').textContent = `${data.guest || 'a kernel'}${data.workload ? ' running \\u201c' + data.workload"
" + '\\u201d' : ''}; ${data.repeat} times each, in turns; ${data.when}; mirrorball ${data.version} on ${data.host}. ` +\n"
"  (data.same ? 'It was the same run in each mode: instructions, final state and console are equal.' : '');\n"
"if (!data.same) add(root, 'p', 'The runs were NOT the same: what follows means nothing.').className = 'bad';\n"
"add(root, 'p', 'Bare: the guest\\u2019s kernel owns the machine. Trap: it runs without privileges, and whatever it may not do is a"
" trap that a monitor emulates. Translate: the same things are calls into the monitor, or inline code.');\n"
"add(root, 'h2', 'Where the time goes');\n"
"add(root, 'p', 'Modelled cycles; the first bare run is 100. The monitor\\u2019s are counted events times assumed cycles. Below, in"
" paler colours, Disco\\u2019s own (SOSP\\u201997, Fig. 5, IRIX on trap-and-emulate): what its monitor took, and all the rest.');\n"
"const names = [...runs.map(r => r.name), ...data.paper.fig5.map(w => 'paper: ' + w.name)], pale = c => c + '90';\n"
"bars(names, ['user', 'kernel', 'monitor', 'idle'].map(k => ({ label: k === 'user' ? 'user (paper: all but the monitor)' : k,\n"
"  backgroundColor: names.map((_, i) => i < runs.length ? colour[k] : pale(colour[k])),\n"
"  data: [...runs.map(r => r.m.percent[k]), ...data.paper.fig5.map(w => k === 'user' ? w.total - w.monitor : k === 'monitor' ?"
" w.monitor : 0)] })), 'percent of bare', { stacked: true });\n"
"table(['run', 'user', 'kernel', 'monitor', 'idle', 'all'], runs.map(r => [r.name, ...['user', 'kernel', 'monitor', 'idle', 'total']"
".map(k => r.m.percent[k].toFixed(1))]));\n"
"add(root, 'h2', 'The host\\u2019s time');\n"
"bars(runs.map(r => r.name), [{ label: 'seconds', backgroundColor: runs.map(r => colour[r.m.mode]), data: runs.map(r => r.m.wall.median),"
" spread: runs.map(r => r.m.wall) }], 'seconds: median, least and most', { plugins: [whiskers],"
" max: Math.max(...runs.map(r => r.m.wall.max)) });\n"
"table(['run', 'wall, median', 'least', 'most', 'x bare', 'CPU, median', 'x bare'], runs.map(r => [r.name, ...[r.m.wall.median,"
" r.m.wall.min, r.m.wall.max, r.m.wall_ratio, r.m.cpu.median, r.m.cpu_ratio].map(v => v.toFixed(3))]));\n"
"for (const s of data.settings) {\n"
"  const modes = s.modes.filter(m => m.mode !== 'bare');\n"
"  if (!modes.length) continue;\n"
"  add(root, 'h2', `What the monitor has to do (l2tlb ${s.l2tlb})`);\n"
"  const cost = (e, m) => e.count * e[m.mode + '_cycles'];\n"
"  const top = [...s.events].sort((a, b) => Math.max(...modes.map(m => cost(b, m))) - Math.max(...modes.map(m => cost(a, m)))).slice(0, 24);\n"
"  bars(top.map(e => e.name), modes.map(m => ({ label: m.mode, backgroundColor: colour[m.mode], data: top.map(e => cost(e, m) || null) })),\n"
"    'modelled cycles, all told (logarithmic)', { log: true });\n"
"  table(['event', 'count', 'host ns each (trap)', ...modes.flatMap(m => [m.mode + ': cycles each', 'share'])], s.events.map(e => [e.name,\n"
"    big(e.count), e.ns == null ? '-' : big(e.ns), ...modes.flatMap(m => [+e[m.mode + '_cycles'].toPrecision(3),"
" percent(m.monitor_cycles ? cost(e, m) / m.monitor_cycles : 0)])]));\n"
"  for (const m of modes) {\n"
"    add(root, 'h2', `Services of the guest\\u2019s kernel, ${m.mode} (l2tlb ${s.l2tlb})`);\n"
"    add(root, 'p', 'How long a service takes, bare = 1, and what that is made of: the columns of the paper\\u2019s Table 2.');\n"
"    const some = s.services.slice(0, 16), keys = ['kernel', 'tlb_writes', 'privileged', 'monitor', 'kernel_tlb'];\n"
"    const theirs = data.paper.table2, labels = [...some.map(x => x.name), ...theirs.map(x => 'paper: ' + x.name)];\n"
"    bars(labels, [...keys.map(k => ({ label: words[k], backgroundColor: colour[k], data: some.map(x => x[m.mode][k]) })),\n"
"      { label: 'the paper, all told', backgroundColor: '#999', data: labels.map((_, i) => i < some.length ? null :"
" theirs[i - some.length].slowdown) }], 'times bare', { stacked: true });\n"
"    table(['service', 'share of kernel', 'runs', 'x bare', ...keys.map(k => words[k])], s.services.slice(0, 40).map(x => [x.name, percent(x.share),\n"
"      big(x.invocations), part(x[m.mode].slowdown), ...keys.map(k => part(x[m.mode][k]))]));\n"
"  }\n}\n"
"document.title += ': ' + (data.guest || 'a kernel');\n"
"</script></body></html>\n";
/* clang-format on */

static FILE *open_library(void) {
  FILE *f = NULL;
  for (size_t i = 0; !f && i < sizeof library / sizeof *library; i++) f = fopen(library[i], "re");
  return f;
}

int compare_page_check(void) {
  FILE *f = open_library();
  if (!f) return options_fail("compare: --html: there is no Chart.js: apt-get install libjs-chart.js");
  fclose(f);
  return 0;
}

/* Text within a script element: nothing in it may end that. In JSON and in strings "<\/" means "</". */
static void put_script(const char *text, size_t n, FILE *to) {
  for (size_t i = 0; i < n; i++) {
    putc(text[i], to);
    if (text[i] == '<' && i + 1 < n && text[i + 1] == '/') putc('\\', to);
  }
}

static bool put_library(FILE *to) {
  char text[1 << 16];
  FILE *f = open_library();
  size_t n;
  while (f && (n = fread(text, 1, sizeof text, f))) fwrite(text, 1, n, to);
  bool good = f && !ferror(f);
  if (f) fclose(f);
  return good;
}

int compare_page(const json_t *document, const char *path) {
  char *text = json_dumps(document, JSON_COMPACT);
  FILE *f = text ? fopen(path, "we") : NULL;
  bool good = f;
  if (good) {
    fputs(head, f);
    good = put_library(f);
    fputs(middle, f);
    put_script(text, strlen(text), f);
    good = fputs(tail, f) != EOF && good;
  }
  if (f && fclose(f)) good = false;
  free(text);
  if (!good) options_fail("compare: --html %s: cannot be written", path);
  return !good;
}
