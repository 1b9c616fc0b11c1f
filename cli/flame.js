/* cli/flame.js: draws a profile as a flame graph: zoom by click, search, tell what is under the pointer. */
/* Folded stacks have no spaces. */
const plain = name => /^\[|^(kernel|user)_0x/.test(name) ? name.replaceAll('_', ' ') : name;
const ROW = 19, tree = data.tree, N = tree.depth.length, all = tree.count[0] || 1, unit = data.exact ? 'instructions' : 'samples';
const frames = tree.depth.map((depth, i) => ({ i, depth, name: plain(tree.names[tree.name[i]]), count: tree.count[i], more: tree.more[i], from: 0, above: null, below: [] }));

/* Frames stand in order: what is below one follows it. `from`: where it begins, in counts. */
{
  const open = [];
  for (const f of frames) {
    open.length = f.depth;
    const a = open[f.depth - 1];
    if (a) {
      f.above = a;
      const beside = a.below[a.below.length - 1];
      f.from = beside ? beside.from + beside.count : a.from;
      a.below.push(f);
    }
    open.push(f);
  }
}
for (const f of frames) f.self = f.count - f.more - f.below.reduce((n, b) => n + b.count, 0);
/* What frames stand under says what colour they have. */
const hues = [[/^\[interrupt/, 32], [/^\[syscall/, 205], [/^\[TLB/, 288], [/^\[kernel thread/, 262], [/^\[/, 330], [/^user$/, 135]];
const hueOf = f => {
  const found = hues.find(([what]) => what.test(f.name));
  return found ? found[1] : f.above ? f.above.hue : 12;
};
for (const f of frames) {
  let hash = 7;
  for (const c of f.name) hash = (hash * 31 + c.charCodeAt(0)) >>> 0;
  f.hue = hueOf(f);
  f.shade = hash % 97 / 97;
}

/* --- the page --- */

document.title += data.vm || data.kernel ? `: ${data.vm || data.kernel}` : '';
add(root, 'h1', data.exact ? 'Where every instruction went' : 'Where the instructions went');
add(root, 'p', `${big(data.instructions)} instructions in ${data.seconds.toFixed(3)} virtual seconds${data.kernel ? ` of ${data.kernel}` : ''}${data.vm ? ` (${data.vm})` : ''}. ` + (data.exact
  ? 'Each of them was counted, under the calls that led to it: these numbers are exact, and the same in every run.'
  : `${big(all)} samples were taken at exact instruction counts: the same in every run.`)
  + ' A bar is a function, as wide as what it and all it called took; below it stands what it called, in no order of time.');
const bar = add(root, 'div', undefined, 'tools'), search = add(bar, 'input'), found = add(bar, 'span', '', 'pale'), whole = add(bar, 'button', 'show all');
search.type = 'search';
search.placeholder = 'find functions (/)';
search.setAttribute('aria-label', 'find functions, by a regular expression');
const keys = add(bar, 'span', undefined, 'keys');
for (const [word, hue] of [['kernel', 12], ['syscall', 205], ['interrupt', 32], ['TLB', 288], ['kernel thread', 262], ['other exceptions', 330], ['user', 135]]) {
  if (!frames.some(f => f.hue === hue && f.depth)) continue;
  const key = add(keys, 'span', word);
  add(key, 'i').style.background = `hsl(${hue} 75% 60%)`;
}
const trail = add(root, 'div', undefined, 'trail'), canvas = add(root, 'canvas', undefined, 'flame'), tip = add(root, 'div', undefined, 'tip');
const said = add(root, 'p', undefined, 'pale');
canvas.tabIndex = 0;
canvas.setAttribute('role', 'img');
canvas.setAttribute('aria-label', 'flame graph; arrow keys go from bar to bar, Enter zooms, Escape shows all');
said.textContent = (tree.shown < tree.all ? `The ${big(tree.shown)} largest of ${big(tree.all)} frames are drawn. ` : '')
  + 'Click a bar to see it alone, the paler ones above it to go back; arrow keys and Enter do the same, Escape shows all.';
const style = add(document.head, 'style');
style.textContent = `body { max-width: 110rem } .flame { width: 100%; display: block; cursor: pointer; outline-offset: 3px }
.tools { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; margin: 1rem 0 .5rem }
.tools input { font: inherit; width: 18rem; max-width: 100%; padding: .2rem .5rem } .tools button { font: inherit; padding: .2rem .7rem }
.keys { margin-left: auto; display: flex; flex-wrap: wrap; gap: .2rem .9rem; font-size: .85em } .keys i { display: inline-block; width: .8em; height: .8em; margin-left: .4em; border-radius: 2px }
.trail { font-size: .9em; min-height: 1.5em; overflow-wrap: anywhere } .trail a { cursor: pointer; text-decoration: underline dotted }
.tip { position: fixed; z-index: 2; display: none; pointer-events: none; max-width: 34rem; padding: .4rem .7rem; border-radius: 4px; font-size: .9em; overflow-wrap: anywhere;
  color: var(--paper); background: var(--ink); box-shadow: 0 2px 10px #0006; white-space: pre-line }
tr.row { cursor: pointer } tr.row:hover td { text-decoration: underline dotted }`;

/* --- drawing --- */

let zoom = frames[0], hover = null, match = null, boxes = [], dark = false;
const share = (n, of) => (100 * n / (of || 1)).toFixed(n / (of || 1) < 0.001 ? 4 : 2) + ' %';
function path(f) {
  const p = [];
  for (; f; f = f.above) p.unshift(f);
  return p;
}
function colour(f, pale) {
  if (match && match.has(f)) return dark ? 'hsl(55 95% 55%)' : 'hsl(52 100% 50%)';
  const dim = match || pale, light = dark ? 38 + 14 * f.shade : 62 + 16 * f.shade;
  return `hsl(${f.hue + 14 * (f.shade - 0.5)} ${dim ? 16 : 62 + 20 * f.shade}% ${dim ? (dark ? 30 : 80) : light}%)`;
}
function drawBar(g, f, x, width, pale) {
  const y = f.depth * ROW, w = Math.max(width - (width > 3 ? 1 : 0), 0.4);
  g.fillStyle = colour(f, pale);
  g.fillRect(x, y, w, ROW - 1);
  if (f === hover) {
    g.strokeStyle = css('--ink');
    g.lineWidth = 2;
    g.strokeRect(x + 1, y + 1, Math.max(w - 2, 1), ROW - 3);
  }
  if (width < 26) return;
  const lit = match && match.has(f), room = Math.floor((w - 8) / 6.6);
  g.fillStyle = lit ? '#111' : dark ? '#f4f4f4' : '#151515';
  if (room > 1) g.fillText(f.name.length > room ? f.name.slice(0, room - 1) + '\u2026' : f.name, x + 4, y + ROW / 2);
}
/* Where bars are, by depth. */
function layOut(width) {
  const unitWidth = width / (zoom.count || 1);
  boxes = path(zoom.above).map(f => [{ f, x: 0, end: width, pale: true }]);
  const visit = f => {
    const w = f.count * unitWidth, x = (f.from - zoom.from) * unitWidth;
    if (w < 0.25) return;
    (boxes[f.depth] ||= []).push({ f, x, end: x + w });
    f.below.forEach(visit);
  };
  visit(zoom);
}
function draw() {
  const width = canvas.clientWidth, scale = devicePixelRatio || 1;
  layOut(width);
  const height = Math.max(boxes.length, 8) * ROW;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.height = height + 'px';
  dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const g = canvas.getContext('2d');
  g.scale(scale, scale);
  g.font = '11px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';
  g.textBaseline = 'middle';
  for (const row of boxes) for (const b of row) drawBar(g, b.f, b.x, b.end - b.x, b.pale);
}
function showTrail() {
  trail.textContent = '';
  path(zoom).forEach((f, i) => {
    if (i) trail.append(' \u203a ');
    const a = add(trail, f === zoom ? 'b' : 'a', f.name);
    a.onclick = () => zoomTo(f);
  });
  if (zoom !== frames[0]) trail.append(`  ${big(zoom.count)} ${unit}, ${share(zoom.count, all)}`);
  whole.disabled = zoom === frames[0];
}
function zoomTo(f) {
  zoom = f;
  showTrail();
  draw();
}

/* --- what is under the pointer --- */

function at(event) {
  const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, row = boxes[Math.floor((event.clientY - box.top) / ROW)];
  const hit = row && row.find(b => x >= b.x && x < Math.max(b.end, b.x + 2));
  return hit ? hit.f : null;
}
function tell(f, x, y) {
  tip.style.display = f ? 'block' : 'none';
  if (!f) return;
  tip.textContent = `${f.name}\n${big(f.count)} ${unit}, ${share(f.count, all)} of all`
    + (f.above && f.above !== frames[0] ? `, ${share(f.count, f.above.count)} of ${f.above.name}` : '')
    + `\n${big(f.self)} in itself, ${share(f.self, all)} of all` + (f.more ? `\n${big(f.more)} in frames too small to draw` : '');
  tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 8)) + 'px';
  tip.style.top = (y + 22 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 12 : y + 18) + 'px';
}
canvas.onmousemove = e => {
  const f = at(e);
  if (f !== hover) { hover = f; draw(); }
  tell(f, e.clientX, e.clientY);
};
canvas.onmouseleave = () => { hover = null; tell(null); draw(); };
canvas.onclick = e => { const f = at(e); if (f) zoomTo(f); };
whole.onclick = () => zoomTo(frames[0]);
function step(key) {
  const f = hover || zoom, beside = f.above ? f.above.below : [f], i = beside.indexOf(f);
  if (key === 'ArrowUp') return f.above || f;
  if (key === 'ArrowDown') return f.below.reduce((a, b) => b.count > a.count ? b : a, f.below[0] || f);
  return beside[i + (key === 'ArrowRight' ? 1 : -1)] || f;
}
canvas.onkeydown = e => {
  if (e.key === 'Escape') zoomTo(frames[0]);
  else if (e.key === 'Enter' && hover) zoomTo(hover);
  else if (e.key.startsWith('Arrow')) {
    hover = step(e.key);
    draw();
    const box = canvas.getBoundingClientRect(), b = boxes[hover.depth]?.find(b => b.f === hover);
    tell(hover, box.left + (b ? Math.max(b.x, 0) : 0), box.top + hover.depth * ROW);
  } else return;
  e.preventDefault();
};
document.addEventListener('keydown', e => {
  if (e.key !== '/' || e.target === search) return;
  search.focus();
  e.preventDefault();
});

/* --- finding --- */

/* What is below one that matches is part of it already. */
function matched() {
  let n = 0;
  const visit = f => { if (match.has(f)) n += f.count; else f.below.forEach(visit); };
  visit(frames[0]);
  return n;
}
function look() {
  let what = null;
  found.className = 'pale';
  try {
    what = search.value ? new RegExp(search.value, 'i') : null;
  } catch {
    found.textContent = 'not a regular expression';
    found.className = 'bad';
    return;
  }
  match = what && new Set(frames.filter(f => f.depth && what.test(f.name)));
  const n = match ? matched() : 0;
  found.textContent = match ? `${big(match.size)} frames: ${big(n)} ${unit}, ${share(n, all)}` : '';
  draw();
}
search.oninput = look;
search.onkeydown = e => { if (e.key === 'Escape') { search.value = ''; look(); canvas.focus(); } };

/* --- tables --- */

const rooted = new Set(frames.filter(f => f.depth < 2).map(f => f.name)); /* all, kernel, user */
const by = tree.names.map((name, i) => ({ name: plain(name), self: tree.self[i], sum: tree.sum[i] })).filter(r => !rooted.has(r.name));
function functions(title, key) {
  add(root, 'h2', title);
  const rows = by.filter(r => r[key]).sort((a, b) => b[key] - a[key] || (a.name < b.name ? -1 : 1)).slice(0, 40);
  const t = table(['function', 'in itself', '%', 'with what it called', '%'],
    rows.map(r => [r.name, big(r.self), part(100 * r.self / all), big(r.sum), part(100 * r.sum / all)]));
  [...t.rows].slice(1).forEach((tr, i) => {
    tr.className = 'row';
    tr.title = 'find it above';
    tr.onclick = () => {
      search.value = '^' + rows[i].name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') + '$';
      look();
      bar.scrollIntoView();
    };
  });
}
functions('Hottest functions', 'self');
functions('With what they called', 'sum');
add(root, 'p', `mirrorball ${data.version}`, 'pale');

showTrail();
draw();
addEventListener('resize', draw);
document.addEventListener('dressed', draw);
