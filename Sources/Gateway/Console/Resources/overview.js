// How it goes: calls, refusals, latency, runtime, upstream's room and the warm pool, over an hour, a day or a month.

import { get, path } from './api.js';
import { chart } from './chart.js';
import { fill, h } from './dom.js';
import { compact, duration, number } from './format.js';
import { segments } from './forms.js';
import { pauseButton } from './pause.js';
import { poll } from './polling.js';
import { go, to } from './router.js';

const RANGES = [['1h', '1 hour'], ['24h', '24 hours'], ['30d', '30 days']];
const EVERY = { '1h': 10_000, '24h': 30_000, '30d': 60_000 };
const TONES = ['blue', 'red', 'amber', 'violet', 'teal', 'grey'];
const OUTCOMES = { completed: 'blue', refused: 'amber', failed: 'red', broken_off: 'grey' };

export function overviewPage({ query, signal }) {
  const range = RANGES.some(([key]) => key === query.get('range')) ? query.get('range') : '1h';
  const charts = {
    calls: chart({ title: 'Calls', kind: 'columns', empty: 'No calls in this time.' }),
    refusals: chart({ title: 'Refusals', kind: 'columns', empty: 'Nothing was refused in this time.' }),
    latency: chart({ title: 'Latency', kind: 'lines', unit: duration, empty: 'No calls in this time.' }),
    runtime: chart({ title: 'Runtime', kind: 'columns', unit: duration, empty: 'No runtime in this time.' }),
    upstream: chart({ title: 'Upstream’s room', kind: 'columns', empty: 'No sandboxes in this time.' }),
    pool: chart({ title: 'Warm pool', kind: 'columns', empty: 'The pool served nothing in this time.' }),
  };
  const totals = h('div', { class: 'totals' });
  const health = h('div', { class: 'totals' });
  const place = h('div', { class: 'charts' });
  const status = poll(() => get(`${path('history')}?range=${range}`, { signal }), (history) => {
    if (!charts.calls.element.isConnected) fill(place, Object.values(charts).map(({ element }) => element));
    draw(charts, history);
    fill(totals, sums(history));
  }, { signal, every: EVERY[range], place });
  const now = poll(() => get(path('upstream'), { signal }), (standing) => fill(health, standingFigures(standing)), { signal, place: health, isQuiet: true });
  return [
    h('div', { class: 'title' }, h('h1', {}, 'Overview'), pauseButton()),
    h('section', { 'aria-label': 'Now' }, health, now),
    h('div', { class: 'toolbar' }, segments('Time', RANGES, range, (key) => go(to([], { range: key }))), status),
    h('section', { 'aria-label': 'Past' }, h('h2', { class: 'hidden' }, 'Past'), totals, place),
  ];
}

function draw(charts, { points }) {
  charts.calls.show(points, byName(points, 'calls', OUTCOMES));
  charts.refusals.show(points, byName(points, 'refusals', {}));
  charts.latency.show(points, [['Median', 'p50', 'blue'], ['95 of 100 within', 'p95', 'amber'], ['99 of 100 within', 'p99', 'violet']]
    .map(([name, key, tone]) => ({ name, tone, value: (point) => point.latency_ms?.[key] ?? null })));
  charts.runtime.show(points, [{ name: 'Runtime', tone: 'teal', value: (point) => point.runtime_ms }]);
  const room = (key) => (point) => point.upstream?.[key] ?? null;
  charts.upstream.show(points, [
    { name: 'Held', tone: 'blue', value: room('held') }, { name: 'Spare', tone: 'teal', value: room('spare') },
    { name: 'Waiting', tone: 'amber', value: room('waiting') },
    ...(points.some((point) => point.upstream?.limit) ? [{ name: 'Limit', tone: 'grey', isLimit: true, value: room('limit') }] : []),
  ]);
  charts.pool.show(points, [
    { name: 'Found one ready', tone: 'teal', value: (point) => point.pool?.hits ?? null },
    { name: 'Had one made', tone: 'amber', value: (point) => point.pool?.misses ?? null },
  ]);
}

/** One series for each name that occurs, those that occur most first. */
function byName(points, field, tones) {
  const sums = new Map();
  for (const point of points) for (const [name, count] of Object.entries(point[field] ?? {})) sums.set(name, (sums.get(name) ?? 0) + count);
  const names = [...sums].sort(([, a], [, b]) => b - a).map(([name]) => name);
  return names.map((name, index) => ({
    name: name.replaceAll('_', ' '), tone: tones[name] ?? TONES[(index + 1) % TONES.length], value: (point) => point[field]?.[name] ?? 0,
  }));
}

const figure = (name, value, note, tone) => h('div', { class: `total${tone ? ` ${tone}` : ''}` },
  h('div', { class: 'total-name' }, name), h('div', { class: 'total-value' }, value), note && h('div', { class: 'total-note' }, note));

/** A part in per cent; never said to be all, or nothing, unless it is. */
function share(part, all) {
  const percent = (100 * part) / all;
  if (part > 0 && percent < 1) return 'under 1 %';
  return `${part < all ? Math.min(99, Math.round(percent)) : 100} %`;
}

function sums({ points }) {
  const total = (field) => points.reduce((sum, point) => sum + Object.values(point[field] ?? {}).reduce((a, b) => a + b, 0), 0);
  const [calls, refusals] = [total('calls'), total('refusals')];
  const executions = total('executions');
  const completed = points.reduce((sum, point) => sum + (point.executions?.completed ?? 0), 0);
  const hits = points.reduce((sum, point) => sum + (point.pool?.hits ?? 0), 0);
  const misses = points.reduce((sum, point) => sum + (point.pool?.misses ?? 0), 0);
  return [
    figure('Calls', compact(calls), calls > 0 ? `${share(refusals, calls)} refused` : null),
    figure('Executions', compact(executions), executions > 0 ? `${share(completed, executions)} completed` : null),
    figure('Runtime', duration(points.reduce((sum, point) => sum + (point.runtime_ms ?? 0), 0))),
    figure('Found a warm sandbox', hits + misses > 0 ? share(hits, hits + misses) : '–'),
  ];
}

function standingFigures({ slots, pool, circuit, keys }) {
  const refused = keys.filter(({ role, health }) => role === 'active' && health === 'refused');
  return [
    figure('Sandboxes held', number(slots.held), slots.allotment ? `of ${number(slots.allotment)} allotted` : null),
    figure('Calls waiting', number(slots.waiting), null, slots.waiting > 0 ? 'warn' : null),
    figure('Warm and ready', number(pool.ready), pool.maximum > 0 ? `up to ${number(pool.maximum)}` : 'the pool is off'),
    figure('Upstream', { closed: 'well', open: 'left alone', half_open: 'being tried' }[circuit] ?? circuit,
      refused.length > 0 ? 'its active key is refused' : null, circuit === 'closed' && refused.length === 0 ? null : 'bad'),
  ];
}
