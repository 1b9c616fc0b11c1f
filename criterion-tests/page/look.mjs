// criterion-tests/page/look.mjs: opens pages in Chromium as a person would: no errors, bars drawn, hovering tells, zooming
// zooms, a click tells a page's life; narrow and wide, dark and light.
// SPDX-License-Identifier: Apache-2.0
// node look.mjs MODULES CHROMIUM PICTURES PAGE KIND...: KIND is report, compare, table (a report without a map), flame or sampled (profiles)
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
const [modules, chromium, pictures, ...pages] = process.argv.slice(2);
const { chromium: driver } = createRequire(modules + '/x.js')('playwright-core');
let failed = 0;
function check(what, good) {
  if (good) return;
  failed++;
  console.log('FAILED: ' + what);
}

const browser = await driver.launch({ executablePath: chromium, args: ['--no-sandbox'] });
/* A canvas is drawn when it has more than one colour. */
const drawn = canvas => canvas.evaluate(c => {
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  const seen = new Set();
  for (let i = 0; i < d.length && seen.size < 8; i += 4 * 97) seen.add(d[i] << 24 | d[i + 1] << 16 | d[i + 2] << 8 | d[i + 3]);
  return seen.size;
});
const bits = canvas => canvas.evaluate(c => c.toDataURL());

async function lookAt(file, kind, colorScheme, width) {
  const name = `${kind}, ${colorScheme}, ${width} wide`, errors = [];
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  page.on('console', m => { if (['error', 'warning'].includes(m.type())) errors.push(m.text()); });
  page.on('pageerror', e => errors.push(String(e)));
  page.on('request', r => { if (!/^(file|data|blob):/.test(r.url())) errors.push('fetches ' + r.url()); });
  await page.goto(pathToFileURL(file).href);
  const plots = await page.locator('canvas').all();
  check(`${name}: has plots`, plots.length > 0);
  for (const [i, plot] of plots.entries()) check(`${name}: plot ${i} is drawn`, await drawn(plot) > 2);
  check(`${name}: nothing is wider than the window`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  const [ink, paper] = await page.evaluate(() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]; });
  const light = c => c.match(/\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0);
  check(`${name}: ${colorScheme} paper`, colorScheme === 'dark' ? light(paper) < 150 && light(ink) > 500 : light(paper) > 700 && light(ink) < 200);
  if (kind === 'flame' || kind === 'sampled') await useFlame(page, name, kind === 'flame');
  else await hoverBar(page, name);
  if (kind === 'report') await useMap(page, name);
  check(`${name}: no errors: ${errors.join('; ')}`, !errors.length);
  await page.screenshot({ path: `${pictures}/${kind}-${colorScheme}-${width}.png`, fullPage: true });
  await page.close();
}

/* The first plot's tooltip tells of the bar under the pointer. */
async function hoverBar(page, name) {
  const at = await page.evaluate(() => {
    const chart = Object.values(Chart.instances)[0], first = chart.data.datasets.map((_, i) => chart.getDatasetMeta(i).data[0]);
    const bar = first.reduce((a, b) => Math.abs(b.x - b.base) > Math.abs(a.x - a.base) ? b : a); /* the widest */
    chart.canvas.scrollIntoView();
    const box = chart.canvas.getBoundingClientRect();
    return { x: box.left + (bar.x + bar.base) / 2, y: box.top + bar.y };
  });
  await page.mouse.move(at.x - 3, at.y);
  await page.mouse.move(at.x, at.y);
  await page.waitForFunction(() => Object.values(Chart.instances)[0].tooltip.opacity > 0, null, { timeout: 10000 }).catch(() => {});
  const told = await page.evaluate(() => Object.values(Chart.instances)[0].tooltip.dataPoints?.length ?? 0);
  check(`${name}: hovering over a bar tells what it is`, told > 0);
}

/* The flame graph of a loop, start, that calls outer, that calls leaf. */
async function useFlame(page, name, exact) {
  const flame = page.locator('canvas.flame'), tip = page.locator('.tip'), row = 19;
  const box = await flame.boundingBox(), trail = () => page.locator('.trail').textContent();
  const barAt = (depth, share) => ({ position: { x: box.width * share, y: depth * row + row / 2 } });
  const all = await bits(flame);
  await flame.hover(barAt(4, 0.3));
  const told = await tip.textContent();
  check(`${name}: hovering tells: ${told}`, exact ? /^leaf\n65,6\d\d instructions, 65\.6\d % of all, 75\.00 % of outer\n65,6/.test(told) : /^leaf\n\d+ samples, 6\d\.\d\d % of all/.test(told));
  check(`${name}: ... and marks the bar`, await bits(flame) !== all);
  await flame.click(barAt(3, 0.1));
  check(`${name}: a click zooms: ${await trail()}`, /^all \u203a kernel \u203a start \u203a outer/.test(await trail()));
  await flame.hover(barAt(4, 0.7));
  check(`${name}: ... to what is wider now`, /^leaf/.test(await tip.textContent()));
  await page.locator('.trail a').first().click();
  check(`${name}: the trail leads back`, await trail() === 'all');
  await page.mouse.move(1, 1);
  await flame.focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
  check(`${name}: keys zoom, too: ${await trail()}`, /outer/.test(await trail()));
  await page.keyboard.press('Escape');
  check(`${name}: ... and back`, await trail() === 'all');
  await page.keyboard.press('/');
  await page.keyboard.type('lea.$');
  const found = await page.locator('.tools .pale').first().textContent();
  check(`${name}: finds functions: ${found}`, /^1 frames: [\d,]+ (instructions|samples), 6\d\.\d\d %$/.test(found));
  await page.locator('input').fill('(');
  check(`${name}: says what is no expression`, await page.locator('.tools .bad').count() === 1);
  await page.locator('input').fill('');
  await page.locator('tr.row').first().click();
  check(`${name}: a row of the table finds its function`, await page.locator('input').inputValue() === '^leaf$');
  const cells = await page.locator('tr.row').first().locator('td').allTextContents();
  check(`${name}: the table tells: ${cells}`, !exact || (/^65,6\d\d$/.test(cells[1]) && /^65\.6\d$/.test(cells[2])));
}

async function useMap(page, name) {
  const map = page.locator('canvas.heat'), tip = page.locator('.tip'), range = page.locator('.range');
  await page.locator('.heatmap select').first().selectOption({ index: 2 });
  await map.scrollIntoViewIfNeeded();
  const box = await map.boundingBox(), hot = await page.evaluate(() => {
    const p = data.experiments[0].rows[2].pages, h = p.heat[p.heat.length >> 1];
    return { x: (h.time + 0.5) / p.times.length, y: (h.page + 0.5) / p.page.length };
  });
  const x = box.x + box.width * hot.x, y = box.y + box.height * hot.y;
  const all = await range.textContent(), before = await bits(map);
  await page.mouse.move(x, y);
  check(`${name}: hovering over the map tells the page`, /VM [12] page 0x[0-9a-f]+\nuntil .*\nhome: node \d\nnode \d: \d+ reads, \d+ writes/.test(await tip.textContent()));
  await page.mouse.wheel(0, -400);
  await page.waitForFunction(was => document.querySelector('.range').textContent !== was, all, { timeout: 10000 }).catch(() => {});
  const zoomed = await range.textContent();
  check(`${name}: the wheel zooms: ${all} to ${zoomed}`, zoomed !== all && await bits(map) !== before);
  await page.mouse.down();
  await page.mouse.move(x + 80, y + 60, { steps: 4 });
  await page.mouse.up();
  check(`${name}: dragging moves`, await range.textContent() !== zoomed);
  check(`${name}: ... and is no click`, !await page.locator('.story h3').count());
  await page.mouse.dblclick(x, y);
  check(`${name}: a double click shows all`, await range.textContent() === all);
  await map.press('+');
  check(`${name}: so do keys`, await range.textContent() !== all);
  await map.press('0');
  check(`${name}: ... and back`, await range.textContent() === all && await bits(map) === before);
  for (const mode of ['home node', 'share of near misses', 'misses']) {
    await page.locator('.heatmap select').nth(1).selectOption(mode);
    check(`${name}: colours by ${mode}`, (await bits(map) === before) === (mode === 'misses'));
  }
  await map.click({ position: { x: box.width * hot.x, y: box.height * hot.y } });
  check(`${name}: a click tells a page's life`, /The life of VM [12] page 0x/.test(await page.locator('.story h3').textContent()));
  const story = await page.locator('.story').textContent();
  check(`${name}: ... with its misses`, /missed/.test(story) && await drawn(page.locator('.story canvas')) > 2);
  const moved = await page.evaluate(() => data.experiments[0].rows[2].pages.events.find(e => e.kind === 'm').page);
  const height = await page.evaluate(() => data.experiments[0].rows[2].pages.page.length);
  await map.click({ position: { x: box.width / 2, y: (moved + 0.5) / height * box.height } });
  check(`${name}: ... and moves`, /migrated/.test(await page.locator('.story').textContent()));
}

for (let i = 0; i < pages.length; i += 2)
  for (const [scheme, width] of [['light', 1200], ['dark', 1200], ['light', 420]]) await lookAt(pages[i], pages[i + 1], scheme, width);
await browser.close();
console.log(failed ? `${failed} failed` : 'all is well');
process.exit(failed ? 1 : 0);
