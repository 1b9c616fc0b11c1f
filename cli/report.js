/* cli/report.js: draws the page of mirrorball report from the model of cli/report.h; page.js comes before it. */
const colour = { instructions: '#2a6fbb', local: '#7fb069', remote_clean: '#c8553d', remote_dirty: '#e0a030', upgrade: '#8a5a9e', l2: '#b8d8a0',
  tlb: '#4aa3a2', wait: '#7a4a3a', moves: '#d45087', devices: '#9a8c7c', idle: '#b8b8b8' };
const words = { instructions: 'executing', local: 'waiting for near memory', remote_clean: 'waiting for far memory',
  remote_dirty: 'waiting for another cpu\u2019s cache', upgrade: 'waiting for the right to write', l2: 'waiting for the second-level cache',
  tlb: 'TLB refills', wait: 'waiting for others at a home', moves: 'moving pages', devices: 'devices', idle: 'idle' };
const nodeColour = n => `hsl(${(n * 137.5 + 205) % 360} 60% 52%)`;
const seconds = s => s >= 1 ? s.toFixed(3) + ' s' : s >= 1e-3 ? (s * 1e3).toFixed(3) + ' ms' : (s * 1e6).toFixed(1) + ' \u00b5s';
const shown = v => v === undefined || v === null ? '-' : v;

/* --- where the time goes: the bars of the paper's figures 5, 7 and 8 --- */

function timeBars(e) {
  const rows = e.rows, keys = Object.keys(words).filter(k => rows.some(r => r.parts[k] > 0));
  const share = (r, k) => (r.parts[k] || 0) / Object.values(r.parts).reduce((a, b) => a + b, 0) || 0;
  add(root, 'h2', 'Where the time goes');
  add(root, 'p', 'How long each run took, in the time of its guests; the first run of each workload is 100. A bar is divided as'
    + ' the time of all cpus together is: less is better.');
  bars(rows.map(r => r.label), keys.map(k => ({ label: words[k], backgroundColor: colour[k], data: rows.map(r => r.percent * share(r, k)) })),
    'percent of the first run of the workload', { stacked: true, tip: c => {
      const r = rows[c.dataIndex], k = keys[c.datasetIndex];
      return `${words[k]}: ${(+c.raw).toFixed(2)} (${seconds(r.parts[k] || 0)} of cpu time)`;
    } });
  table(['run', 'time', '% of first', ...keys.map(k => words[k] + ', %'), 'instructions'], rows.map(r => [r.label, seconds(r.seconds),
    r.percent.toFixed(1), ...keys.map(k => (r.percent * share(r, k)).toFixed(1)), big(r.instructions)]));
}

/* --- misses, and moves of pages: table 3 --- */

function missBars(e) {
  const rows = e.rows.filter(r => r.misses), kinds = ['local', 'remote_clean', 'remote_dirty', 'upgrade'];
  if (!rows.length) return;
  const sum = r => kinds.reduce((n, k) => n + (r.misses[k] || 0), 0) || 1;
  add(root, 'h2', 'Where misses are served');
  add(root, 'p', 'Of the references that miss all caches: by near memory, by far memory, by the cache of another cpu that had'
    + ' changed the line, or no data but the right to write. Near is what placement is for.');
  const name = { local: 'near memory', remote_clean: 'far memory', remote_dirty: 'another cpu\u2019s cache', upgrade: 'right to write' };
  bars(rows.map(r => r.label), kinds.map(k => ({ label: name[k], backgroundColor: colour[k], data: rows.map(r => r.misses[k] / sum(r) * 100) })),
    'percent of misses', { stacked: true, limit: 100, tip: c => `${c.dataset.label}: ${(+c.raw).toFixed(2)} %, ${big(rows[c.dataIndex].misses[kinds[c.datasetIndex]])}` });
  table(['run', 'misses', ...kinds.map(k => name[k] + ', %'), 'TLB refills'], rows.map(r => [r.label, big(sum(r)),
    ...kinds.map(k => (r.misses[k] / sum(r) * 100).toFixed(1)), big(r.tlb_refills)]));
}

function sampledTable(e) {
  const rows = e.rows.filter(r => r.sampled), per = 'misses_per_1000_instructions';
  if (!rows.length) return;
  const known = { l1_misses_per_1000_instructions: 'first-level misses in 1000 instructions', [per]: 'misses of all caches in 1000',
    local_share: 'of them near', tlb_refills_per_1000_instructions: 'TLB refills in 1000', stall_ns_per_instruction: 'ns waited an instruction' };
  const pair = r => r.mean.toPrecision(4) + (r.ci95 === null ? '' : ' \u00b1 ' + r.ci95.toPrecision(2));
  add(root, 'h2', 'How sure sampled figures are');
  add(root, 'p', 'Caches of these runs were modelled for intervals of time; all else above follows from them. Here is what was seen in'
    + ' them: means, and how near the mean of the whole run is with 95 % confidence, by what intervals differ. Caches that were not'
    + ' quite warm when an interval began are not in that: they make misses look a little more frequent.');
  table(['run', 'intervals', 'of them', ...Object.values(known)], rows.flatMap(r => r.sampled.map((s, i) =>
    [r.label + (r.sampled.length > 1 ? `, VM ${i + 1}` : ''), s.intervals, `${s.cache_ms} ms each ${s.every_ms}, warmed for ${s.warm_ms}`,
      ...Object.keys(known).map(k => pair(s[k]))])));
}

function moveTable(e) {
  const rows = e.rows.filter(r => r.moves);
  if (!rows.length) return;
  const rate = (r, k) => r.seconds > 0 ? big(r.moves[k] / r.seconds) : '-';
  add(root, 'h2', 'Moves of pages');
  add(root, 'p', 'By second of guest time. A migrated page has a new home; a replicated one a copy on a node that reads it, which the first'
    + ' write takes away. The cost of a move is what the guests paid for it.');
  table(['run', 'migrations/s', 'replications/s', 'collapses/s', 'copies lost/s', '\u00b5s a move', '% of time'], [
    ...rows.map(r => [r.label, rate(r, 'migrations'), rate(r, 'replications'), rate(r, 'collapses'), rate(r, 'copies_lost'),
      r.moves.count ? (r.moves.seconds / r.moves.count * 1e6).toFixed(1) : '-',
      (r.moves.seconds / Object.values(r.parts).reduce((a, b) => a + b, 0) * 100 || 0).toFixed(2)]),
    ...data.paper.table3.map(p => ['the paper: ' + p.workload, big(p.migrations), big(p.replications), '-', '-',
      `${p.migration_us} and ${p.replication_us}`, '-'])]);
}

/* --- traffic between nodes --- */

function pick(parent, rows, draw) {
  const label = add(parent, 'label', 'Run: '), select = add(label, 'select'), box = add(parent, 'div');
  rows.forEach((r, i) => { add(select, 'option', r.label).value = i; });
  const show = () => { box.replaceChildren(); draw(box, rows[select.value]); };
  select.addEventListener('change', show);
  show();
}

function traffic(e) {
  const rows = e.rows.filter(r => r.traffic);
  if (!rows.length) return;
  add(root, 'h2', 'Traffic between nodes');
  add(root, 'p', 'How often the cpus of a node (down) missed memory whose home is a node (across). What is off the diagonal crossed the network.');
  pick(add(root, 'div', undefined, 'traffic'), rows, (box, r) => {
    const most = Math.max(1, ...r.traffic.flat()), n = r.traffic.length;
    const t = table(['from \\ to', ...r.traffic.map((_, i) => i), 'far'], r.traffic.map((line, i) => [i, ...line.map(big),
      ((1 - line[i] / (line.reduce((a, b) => a + b, 0) || 1)) * 100).toFixed(1) + ' %']), box);
    [...t.rows].slice(1).forEach((tr, i) => [...tr.cells].slice(1, n + 1).forEach((td, j) => {
      td.style.background = `color-mix(in srgb, ${i === j ? colour.local : colour.remote_clean} ${(r.traffic[i][j] / most * 85).toFixed(0)}%, transparent)`;
      td.title = `${big(r.traffic[i][j])} misses by node ${i} of memory on node ${j}`;
    }));
  });
}

/* --- page heat over time --- */

const KINDS = { m: 'migrated', r: 'copied', c: 'copies taken away', l: 'lost its copies to a write' };
const pageName = p => `VM ${p.vm} page 0x${p.n.toString(16)}`;
const misses = h => h.by.reduce((n, b) => n + b[1] + b[2], 0);
const near = h => (h.by.find(b => b[0] === h.home) || [0, 0, 0]).slice(1).reduce((a, b) => a + b, 0);
const modes = {
  'misses': h => ({ alpha: 1, rgb: [200, 85, 61] }),
  'home node': h => ({ alpha: 1, node: h.home }),
  'share of near misses': h => { const s = near(h) / (misses(h) || 1); return { alpha: 1, rgb: [200 - 73 * s, 85 + 91 * s, 61 + 44 * s] }; },
};

/* A map of one run's pages: wheel and keys zoom, dragging pans, a click tells a page's life. */
class HeatMap {
  constructor(box, run) {
    this.run = run;
    this.pages = run.pages;
    this.most = Math.max(1, ...this.pages.heat.map(misses));
    const bar = add(box, 'p'), choose = add(add(bar, 'label', 'Colour: '), 'select');
    Object.keys(modes).forEach(m => { add(choose, 'option', m).value = m; });
    this.mode = choose.value;
    choose.addEventListener('change', () => { this.mode = choose.value; this.draw(); });
    for (const [text, what, name] of [['+', () => this.zoom(0.5), 'zoom in'], ['\u2212', () => this.zoom(2), 'zoom out'], ['all', () => this.all(), 'show all']]) {
      const b = add(bar, 'button', text);
      b.title = name;
      b.addEventListener('click', what);
    }
    this.range = add(bar, 'span', '', 'pale range');
    const holder = add(box, 'div', undefined, 'plot');
    this.canvas = add(holder, 'canvas', undefined, 'heat');
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'img');
    this.canvas.setAttribute('aria-label', 'misses by page and time; plus, minus, 0 and arrow keys zoom and move');
    this.canvas.style.cssText = 'width: 100%; height: 420px; touch-action: none; cursor: crosshair';
    this.tip = add(holder, 'div', undefined, 'tip');
    this.tip.style.cssText = 'position: absolute; display: none; pointer-events: none; padding: .3rem .5rem; border-radius: 4px;'
      + ' background: var(--ink); color: var(--paper); font-size: 13px; white-space: pre; z-index: 1';
    this.story = add(box, 'div', undefined, 'story');
    this.story.setAttribute('aria-live', 'polite');
    this.listen();
    this.all();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    document.addEventListener('dressed', () => this.draw());
  }
  all() { this.view = { t: [0, this.pages.times.length], p: [0, this.pages.page.length] }; this.draw(); }
  limit(axis, all) {
    const v = this.view[axis], size = Math.min(Math.max(v[1] - v[0], Math.min(2, all)), all), from = Math.min(Math.max(v[0], 0), all - size);
    this.view[axis] = [from, from + size];
  }
  zoom(by, at = { x: 0.5, y: 0.5 }, axes = 'tp') {
    for (const [axis, f] of [['t', at.x], ['p', at.y]]) {
      const v = this.view[axis], c = v[0] + (v[1] - v[0]) * f;
      if (axes.includes(axis)) this.view[axis] = [c - (c - v[0]) * by, c + (v[1] - c) * by];
    }
    this.draw();
  }
  pan(x, y) {
    for (const [axis, f] of [['t', x], ['p', y]]) { const v = this.view[axis], d = (v[1] - v[0]) * f; this.view[axis] = [v[0] + d, v[1] + d]; }
    this.draw();
  }
  /* Where the pointer is: as a fraction of the map, and the page and time there. */
  at(event) {
    const r = this.canvas.getBoundingClientRect(), x = (event.clientX - r.left) / r.width, y = (event.clientY - r.top) / r.height, { t, p } = this.view;
    return { x, y, left: event.clientX - r.left, top: event.clientY - r.top, time: Math.floor(t[0] + (t[1] - t[0]) * x), page: Math.floor(p[0] + (p[1] - p[0]) * y) };
  }
  listen() {
    const c = this.canvas;
    let drag = null, moved = false;
    c.addEventListener('wheel', e => { e.preventDefault(); this.zoom(e.deltaY < 0 ? 0.8 : 1.25, this.at(e), e.shiftKey ? 't' : e.altKey ? 'p' : 'tp'); }, { passive: false });
    c.addEventListener('pointerdown', e => { drag = this.at(e); moved = false; c.setPointerCapture(e.pointerId); });
    c.addEventListener('pointerup', e => { drag = null; if (!moved) this.tell(this.at(e).page); });
    c.addEventListener('pointermove', e => {
      const at = this.at(e);
      if (drag && Math.hypot(at.left - drag.left, at.top - drag.top) > 3) moved = true;
      if (drag && moved) { this.pan(drag.x - at.x, drag.y - at.y); drag = at; }
      this.hover(at);
    });
    c.addEventListener('pointerleave', () => { this.tip.style.display = 'none'; });
    c.addEventListener('dblclick', () => this.all());
    c.addEventListener('keydown', e => {
      const keys = { '+': () => this.zoom(0.5), '=': () => this.zoom(0.5), '-': () => this.zoom(2), '0': () => this.all(), ArrowLeft: () => this.pan(-0.2, 0),
        ArrowRight: () => this.pan(0.2, 0), ArrowUp: () => this.pan(0, -0.2), ArrowDown: () => this.pan(0, 0.2) };
      if (keys[e.key]) { e.preventDefault(); keys[e.key](); }
    });
  }
  /* When interval i ends, in seconds. */
  time(i) { return this.pages.times[Math.min(Math.max(i, 0), this.pages.times.length - 1)]; }
  hover(at) {
    const page = this.pages.page[at.page], h = this.pages.heat.find(h => h.page === at.page && h.time === at.time);
    this.tip.style.display = page ? 'block' : 'none';
    if (!page) return;
    this.tip.textContent = `${pageName(page)}\nuntil ${seconds(this.time(at.time))}` + (h ? `\nhome: node ${h.home}\n`
      + h.by.map(b => `node ${b[0]}: ${b[1]} reads, ${b[2]} writes`).join('\n') : '\nhardly missed');
    this.tip.style.left = Math.min(at.left + 14, this.canvas.clientWidth - 190) + 'px';
    this.tip.style.top = at.top + 14 + 'px';
  }
  draw() {
    const c = this.canvas, scale = devicePixelRatio || 1, w = Math.round(c.clientWidth * scale), h = Math.round(c.clientHeight * scale), ctx = c.getContext('2d');
    if (!w || !h) return;
    if (c.width !== w || c.height !== h) { c.width = w; c.height = h; }
    this.limit('t', this.pages.times.length);
    this.limit('p', this.pages.page.length);
    const { t, p } = this.view, dx = w / (t[1] - t[0]), dy = h / (p[1] - p[0]);
    ctx.fillStyle = css('--stripe');
    ctx.fillRect(0, 0, w, h);
    for (const e of this.pages.heat) {
      const x = (e.time - t[0]) * dx, y = (e.page - p[0]) * dy;
      if (x + dx < 0 || x > w || y + dy < 0 || y > h) continue;
      const how = modes[this.mode](e);
      ctx.globalAlpha = 0.15 + 0.85 * Math.log1p(misses(e)) / Math.log1p(this.most);
      ctx.fillStyle = how.rgb ? `rgb(${how.rgb.map(Math.round)})` : nodeColour(how.node);
      ctx.fillRect(x, y, Math.max(dx, scale), Math.max(dy, scale));
    }
    ctx.globalAlpha = 1;
    ctx.strokeStyle = css('--ink');
    for (const e of this.pages.events) {
      const x = (this.place(e.at) - t[0]) * dx, y = (e.page - p[0]) * dy;
      if (dy < 6 * scale || x < 0 || x > w || y + dy < 0 || y > h) continue;
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(x, y + dy);
      ctx.stroke();
    }
    const from = Math.floor(p[0]), to = Math.ceil(p[1]) - 1;
    this.range.textContent = ` ${seconds(t[0] < 1 ? 0 : this.time(Math.floor(t[0]) - 1))} to ${seconds(this.time(Math.ceil(t[1]) - 1))};`
      + ` ${pageName(this.pages.page[from])} to ${pageName(this.pages.page[to])}`;
  }
  /* Seconds to intervals, with a fraction. */
  place(s) {
    let i = this.pages.times.findIndex(t => t >= s);
    if (i < 0) i = this.pages.times.length - 1;
    const from = i ? this.pages.times[i - 1] : 0;
    return i + Math.min(1, (s - from) / (this.pages.times[i] - from || 1));
  }
  /* A page's life: what happened to it, and who missed it when. */
  tell(i) {
    const page = this.pages.page[i];
    if (!page) return;
    const heat = this.pages.heat.filter(h => h.page === i), events = this.pages.events.filter(e => e.page === i);
    this.story.replaceChildren();
    add(this.story, 'h3', `The life of ${pageName(page)}`);
    add(this.story, 'p', `${big(heat.reduce((n, h) => n + misses(h), 0))} misses were counted, ${events.length} times something was done.`);
    const nodes = [...new Set(heat.flatMap(h => h.by.map(b => b[0])))].sort((a, b) => a - b), when = heat.map(h => seconds(this.time(h.time)));
    if (heat.length)
      bars(when, nodes.map(n => ({ label: 'node ' + n, backgroundColor: nodeColour(n), data: heat.map(h => { const b = h.by.find(b => b[0] === n); return b ? b[1] + b[2] : 0; }) })),
        'misses by node in the interval that ends then', { stacked: true, parent: this.story });
    const rows = [...heat.map(h => [this.time(h.time), 'missed', h.by.map(b => `node ${b[0]}: ${b[1]}+${b[2]}`).join(', '), h.home]),
      ...events.map(e => [e.at, KINDS[e.kind] || e.kind, e.kind === 'l' ? '' : `from node ${e.from} to node ${e.to}`, shown(e.kind === 'm' ? e.to : undefined)])];
    table(['time', 'what', '(reads+writes)', 'home'], rows.sort((a, b) => a[0] - b[0]).map(r => [seconds(r[0]), ...r.slice(1)]), this.story);
  }
}

function heatMaps(e) {
  const rows = e.rows.filter(r => r.pages && r.pages.heat.length);
  if (!rows.length) return;
  add(root, 'h2', 'Pages over time');
  add(root, 'p', 'Each line is a page of a guest\u2019s memory, each column a hundredth of the run; the darker, the more misses.'
    + ' The wheel zooms (with Shift time alone, with Alt pages alone), dragging moves, a double click shows all, a click tells the life of a page.');
  pick(add(root, 'div', undefined, 'heatmap'), rows, (box, r) => {
    if (r.pages.page.length < r.pages.all) add(box, 'p', `The ${big(r.pages.page.length)} pages that were missed most, of ${big(r.pages.all)}.`, 'pale');
    new HeatMap(box, r);
  });
}

/* --- all --- */

for (const e of data.experiments) {
  add(root, 'h1', e.title || e.name);
  if (e.about) add(root, 'p', e.about);
  if (e.missing) add(root, 'p', `${e.missing === 1 ? '1 run has' : e.missing + ' runs have'} not been made yet.`, 'bad');
  if (!e.rows.length) continue;
  for (const show of [timeBars, missBars, sampledTable, moveTable, traffic, heatMaps]) show(e);
}
add(root, 'p', `Made by mirrorball ${data.version}. Runs are the same each time; so are these numbers.`, 'pale');
