/* cli/page.js: what scripts of pages of plots begin with: the document, and how to add text, tables and bars. */
'use strict';
const data = JSON.parse(document.getElementById('data').textContent), root = document.getElementById('root');
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const big = n => Math.round(n).toLocaleString('en'), part = n => n.toFixed(2), percent = n => (n * 100).toFixed(2) + ' %';

function add(parent, kind, text, name) {
  const e = parent.appendChild(document.createElement(kind));
  if (text !== undefined) e.textContent = text;
  if (name) e.className = name;
  return e;
}

function table(heads, rows, parent = root) {
  const t = add(add(parent, 'div', undefined, 'scroll'), 'table'), top = add(t, 'tr');
  heads.forEach(h => add(top, 'th', h));
  rows.forEach(r => { const tr = add(t, 'tr'); r.forEach(c => add(tr, 'td', c)); });
  return t;
}

/* Horizontal bars. more: stacked, log, max (at least), limit (exactly), plugins, parent, tip(context): text of the tooltip. */
function bars(labels, sets, title, more = {}) {
  const box = add(more.parent || root, 'div', undefined, 'plot');
  box.style.height = 110 + labels.length * (more.stacked ? 30 : 12 + 16 * sets.length) + 'px';
  return new Chart(add(box, 'canvas'), { type: 'bar', data: { labels, datasets: sets }, plugins: more.plugins || [],
    options: { indexAxis: 'y', animation: false, maintainAspectRatio: false, scales: {
      x: { stacked: !!more.stacked, suggestedMax: more.max, max: more.limit, type: more.log ? 'logarithmic' : 'linear', title: { display: true, text: title } },
      y: { stacked: !!more.stacked, ticks: { autoSkip: false } } },
      plugins: { legend: { display: sets.length > 1 },
        tooltip: { callbacks: { label: more.tip || (c => `${c.dataset.label}: ${(+c.raw).toPrecision(4)}`) } } } } });
}

/* Plots have the page's colours, light or dark, also when that changes. */
function dress() {
  if (!window.Chart) return;
  Chart.defaults.color = css('--ink');
  Chart.defaults.borderColor = css('--line');
}
dress();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  dress();
  if (window.Chart) Object.values(Chart.instances).forEach(c => c.update());
  document.dispatchEvent(new Event('dressed'));
});
