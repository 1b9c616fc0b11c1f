/* cli/diff.js: draws the page of mirrorball diff. */
const count = n => n.toLocaleString('en'), sign = n => (n > 0 ? '+' : '') + count(n);
const rate = r => r.a ? sign(+(100 * (r.b - r.a) / r.a).toFixed(2)) + ' %' : 'new';
const row = r => [r.name, count(r.a), count(r.b), sign(r.b - r.a), r.a === r.b ? '' : rate(r)];
const columns = ['A', 'B', 'B \u2212 A', ''];
document.title += `: ${data.a}, ${data.b}`;
add(root, 'h1', 'Two kernels, one scenario');
add(root, 'p', `A is ${data.a}, B is ${data.b}. All counts are exact: a difference of one instruction is one.`);
if (data.same) add(root, 'p', 'It was the same run: instructions, final state and console are equal.');
add(root, 'p', data.grown.length ? `Grown by more than ${data.threshold} %:` : `Nothing has grown by more than ${data.threshold} %.`,
  data.grown.length ? 'bad' : '');
if (data.grown.length) { const list = add(root, 'ul'); data.grown.forEach(g => add(list, 'li', g)); }
const most = data.functions.slice(0, 24);
if (most.length) {
  add(root, 'h2', 'Where the instructions are');
  add(root, 'p', 'Functions whose count differs most: how many instructions more (or less) B has executed in them.');
  bars(most.map(f => f.name), [{ label: 'B \u2212 A', data: most.map(f => f.b - f.a),
    backgroundColor: most.map(f => f.b > f.a ? '#c8553d' : '#7fb069') }], 'instructions, B \u2212 A',
    { tip: c => sign(c.raw) });
  table(['function', ...columns, 'entered: A', 'B'], data.functions.slice(0, 200).map(f => [...row(f), count(f.entered_a), count(f.entered_b)]));
  if (data.functions.length > 200) add(root, 'p', `${data.functions.length - 200} more are in what --json writes.`);
}
add(root, 'h2', 'Totals');
table(['what', ...columns], data.totals.map(row));
if (data.phases.length) {
  add(root, 'h2', 'Phases');
  add(root, 'p', 'From one landmark on the console to the next, by each kernel\u2019s own clock.');
  bars(data.phases.map(p => p.name.slice(0, 60)), [{ label: 'A', backgroundColor: '#2a6fbb', data: data.phases.map(p => p.a / 1e6) },
    { label: 'B', backgroundColor: '#e0a030', data: data.phases.map(p => p.b / 1e6) }], 'seconds');
  table(['', 'A, \u00b5s', 'B, \u00b5s', 'B \u2212 A', ''], data.phases.map(row));
}
if (data.console.some(l => l.in === 'a' || l.in === 'b')) {
  add(root, 'h2', 'Console');
  const box = add(add(root, 'div', undefined, 'scroll'), 'pre');
  for (const l of data.console) {
    const line = add(box, 'div', l.in === 'skipped' ? `  (${l.text} lines alike)` : ({ a: '- ', b: '+ ' }[l.in] || '  ') + l.text);
    line.style.color = { a: '#c8553d', b: '#4f8f3a' }[l.in] || '';
    if (l.in === 'skipped') line.style.opacity = 0.6;
  }
}
