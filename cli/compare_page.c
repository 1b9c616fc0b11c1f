/* cli/compare_page.c: what mirrorball compare found as one self-contained page of plots, drawn by Debian's Chart.js. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare.h"
#include "cli/page.h"

/* clang-format off */
static const char script[] =
"const colour = { user: '#2a6fbb', kernel: '#7fb069', monitor: '#c8553d', idle: '#cfcfcf', trap: '#c8553d',\n"
"  translate: '#2a6fbb', bare: '#777', tlb_writes: '#e0a030', privileged: '#8a5a9e', kernel_tlb: '#4aa3a2' };\n"
"const words = { tlb_writes: 'TLB-write emulation', privileged: 'other privileged instructions', kernel: 'kernel execution',\n"
"  monitor: 'monitor: exceptions, devices, segments', kernel_tlb: 'kernel TLB faults' };\n"
"const whiskers = { id: 'whiskers', afterDatasetsDraw(chart) {\n"
"  chart.data.datasets.forEach((set, i) => chart.getDatasetMeta(i).data.forEach((bar, k) => {\n"
"    const s = set.spread[k], x = chart.scales.x, ctx = chart.ctx;\n"
"    const from = x.getPixelForValue(s.min), to = x.getPixelForValue(s.max);\n"
"    ctx.save(); ctx.strokeStyle = css('--ink'); ctx.beginPath(); ctx.moveTo(from, bar.y); ctx.lineTo(to, bar.y);\n"
"    for (const at of [from, to]) { ctx.moveTo(at, bar.y - 4); ctx.lineTo(at, bar.y + 4); }\n"
"    ctx.stroke(); ctx.restore();\n"
"  }));\n} };\n"
"const runs = data.settings.flatMap(s => s.modes.map(m => ({ s, m, name: `${m.mode}, l2tlb ${s.l2tlb}` })));\n"
"add(root, 'h1', 'One kernel, three ways to run it');\n"
"add(root, 'p', `${data.guest || 'a kernel'}${data.workload ? ' running \\u201c' + data.workload"
" + '\\u201d' : ''}; ${data.repeat} times each, in turns; ${data.when}; mirrorball ${data.version} on ${data.host}. ` +\n"
"  (data.same ? 'It was the same run in each mode: instructions, final state and console are equal.' : ''));\n"
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
"document.title += ': ' + (data.guest || 'a kernel');\n";
/* clang-format on */

int compare_page_check(void) {
  return page_check("compare");
}

int compare_page(const json_t *document, const char *path) {
  return page_write("compare: --html", path, "mirrorball: three modes", document, script, true);
}
