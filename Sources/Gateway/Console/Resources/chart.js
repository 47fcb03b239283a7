// A chart over time, in SVG: lines, or columns that stand on each other. The pointer and the arrow keys move along it, and
// the same figures are there as a table.

import { fill, h, svg } from './dom.js';
import { clockTime, compact, dayName, fullTime } from './format.js';

const HEIGHT = 190;
const EDGE = { top: 10, right: 8, bottom: 24, left: 46 };

/**
 * - `series`: `{ name, tone, value(point) }`; null where nothing was measured. A series with `isLimit` is a dashed line.
 * - `kind`: `lines` or `columns`.
 * - `unit`: how a value reads.
 */
export function chart({ title, kind, unit = compact, empty = 'Nothing in this time.' }) {
  const plot = h('div', { class: 'plot' });
  const tip = h('div', { class: 'tip', hidden: true });
  const stage = h('div', {
    class: 'stage', tabindex: '0', role: 'slider', 'aria-label': `${title}: move along the time`, 'aria-valuemin': '0',
    'aria-orientation': 'horizontal',
  }, plot, tip);
  const legend = h('ul', { class: 'legend' });
  const figures = h('div', { class: 'figures' });
  const details = h('details', {}, h('summary', {}, 'Figures', h('span', { class: 'hidden' }, ` of ${title}`)), figures);
  const element = h('figure', { class: 'chart' }, h('figcaption', {}, h('h3', {}, title)), legend, stage, details);
  let [points, series, at] = [[], [], -1];
  let geometry = null;

  function draw() {
    const width = plot.clientWidth;
    if (width === 0) return;
    const inner = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
    const top = niceTop(highest());
    const x = (index) => EDGE.left + (inner.width * (index + 0.5)) / Math.max(1, points.length);
    const y = (value) => EDGE.top + inner.height * (1 - value / top);
    geometry = { width, inner, x, y };
    const marker = svg('line', { class: 'marker', y1: EDGE.top, y2: EDGE.top + inner.height, visibility: 'hidden' });
    fill(plot, svg('svg', { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, 'aria-hidden': 'true' },
      grid(top, y, width), times(x, width), kind === 'columns' ? columns(x, y, inner) : series.map((each) => line(each, x, y)),
      series.filter(({ isLimit }) => isLimit && kind === 'columns').map((each) => line(each, x, y)), marker));
    geometry.marker = marker;
    if (at >= 0 && !tip.hidden) point(Math.min(at, points.length - 1));
  }

  const stacked = () => series.filter(({ isLimit }) => !isLimit);

  function highest() {
    const sums = points.map((each) => (kind === 'columns'
      ? stacked().reduce((sum, { value }) => sum + (value(each) ?? 0), 0) : Math.max(0, ...series.map(({ value }) => value(each) ?? 0))));
    const limits = kind === 'columns' ? points.flatMap((each) => series.filter(({ isLimit }) => isLimit).map(({ value }) => value(each) ?? 0)) : [];
    return Math.max(0, ...sums, ...limits);
  }

  const grid = (top, y, width) => [0, 0.5, 1].map((share) => svg('g', {},
    svg('line', { class: 'grid', x1: EDGE.left, x2: width - EDGE.right, y1: y(top * share), y2: y(top * share) }),
    svg('text', { class: 'tick', x: EDGE.left - 6, y: y(top * share) + 4, 'text-anchor': 'end' }, unit(top * share))));

  function times(x, width) {
    if (points.length === 0) return [];
    const count = Math.max(2, Math.min(7, Math.floor(width / 110)));
    const span = new Date(points.at(-1).at) - new Date(points[0].at);
    const name = span > 36 * 3600_000 ? dayName : clockTime;
    return Array.from({ length: count }, (_, tick) => Math.round((tick * (points.length - 1)) / (count - 1))).map((index, tick) =>
      svg('text', { class: 'tick', x: x(index), y: HEIGHT - 6, 'text-anchor': tick === 0 ? 'start' : tick === count - 1 ? 'end' : 'middle' },
        name(points[index].at)));
  }

  /** Broken where nothing was measured; a value alone is a dot. */
  function line({ value, tone, isLimit }, x, y) {
    let path = '';
    let isOpen = false;
    points.forEach((each, index) => {
      const figure = value(each);
      if (figure === null || figure === undefined) { isOpen = false; return; }
      path += `${isOpen ? 'L' : 'M'}${x(index).toFixed(1)} ${y(figure).toFixed(1)}`;
      if (!isOpen) path += 'h0.1';
      isOpen = true;
    });
    return svg('path', { class: `line tone-${tone}${isLimit ? ' limit' : ''}`, d: path });
  }

  function columns(x, y, inner) {
    const step = inner.width / Math.max(1, points.length);
    const half = Math.max(0.5, (step - Math.min(2, step * 0.25)) / 2);
    const bases = points.map(() => 0);
    return stacked().map(({ value, tone }) => {
      let path = '';
      points.forEach((each, index) => {
        const figure = value(each) ?? 0;
        if (figure <= 0) return;
        const [low, high] = [y(bases[index]), y(bases[index] + figure)];
        bases[index] += figure;
        path += `M${(x(index) - half).toFixed(1)} ${low.toFixed(1)}V${high.toFixed(1)}H${(x(index) + half).toFixed(1)}V${low.toFixed(1)}Z`;
      });
      return svg('path', { class: `column tone-${tone}`, d: path });
    });
  }

  const words = (each) => series.map(({ name, value }) => [name, value(each)])
    .map(([name, figure]) => `${name} ${figure === null || figure === undefined ? 'not measured' : unit(figure)}`).join(', ');

  function point(index) {
    if (!geometry || !points[index]) return;
    at = index;
    const each = points[index];
    const x = geometry.x(index);
    for (const end of ['x1', 'x2']) geometry.marker.setAttribute(end, x);
    geometry.marker.setAttribute('visibility', 'visible');
    fill(tip, h('div', { class: 'tip-time' }, fullTime(each.at)), series.map(({ name, tone, value }) => {
      const figure = value(each);
      return h('div', { class: 'tip-row' }, h('span', { class: `swatch tone-${tone}` }), h('span', {}, name),
        h('strong', {}, figure === null || figure === undefined ? '–' : unit(figure)));
    }));
    tip.hidden = false;
    const left = x > geometry.width / 2 ? x - tip.offsetWidth - 12 : x + 12;
    tip.style.setProperty('left', `${Math.max(0, Math.min(left, geometry.width - tip.offsetWidth))}px`);
    stage.setAttribute('aria-valuenow', String(index));
    stage.setAttribute('aria-valuetext', `${fullTime(each.at)}: ${words(each)}`);
  }

  function leave() {
    tip.hidden = true;
    geometry?.marker.setAttribute('visibility', 'hidden');
  }

  stage.addEventListener('pointermove', (event) => {
    if (!geometry || points.length === 0) return;
    const offset = event.clientX - plot.getBoundingClientRect().left - EDGE.left;
    point(Math.max(0, Math.min(points.length - 1, Math.floor((offset / geometry.inner.width) * points.length))));
  });
  stage.addEventListener('pointerleave', () => { if (document.activeElement !== stage) leave(); });
  stage.addEventListener('focus', () => point(at >= 0 ? at : points.length - 1));
  stage.addEventListener('blur', leave);
  stage.addEventListener('keydown', (event) => {
    const last = points.length - 1;
    const step = Math.max(1, Math.round(points.length / 12));
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowDown: at - 1, ArrowUp: at + 1, PageDown: at - step, PageUp: at + step, Home: 0, End: last };
    if (event.key === 'Escape') return leave();
    if (!(event.key in moves)) return;
    event.preventDefault();
    point(Math.max(0, Math.min(last, moves[event.key])));
  });
  new ResizeObserver(draw).observe(plot);

  function tabulate() {
    if (!details.open) return;
    const rows = points.filter((each) => series.some(({ value, isLimit }) => !isLimit && value(each)));
    fill(figures, rows.length === 0 ? h('p', { class: 'muted' }, empty) : h('table', {}, h('caption', { class: 'hidden' }, title),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'From'), series.map(({ name }) => h('th', { scope: 'col', class: 'numeric' }, name)))),
      h('tbody', {}, rows.toReversed().map((each) => h('tr', {}, h('th', { scope: 'row' }, fullTime(each.at)),
        series.map(({ value }) => h('td', { class: 'numeric' }, value(each) === null || value(each) === undefined ? '–' : unit(value(each)))))))));
  }
  details.addEventListener('toggle', tabulate);

  function show(newPoints, newSeries) {
    [points, series] = [newPoints, newSeries];
    stage.setAttribute('aria-valuemax', String(Math.max(0, points.length - 1)));
    stage.setAttribute('aria-valuenow', String(at >= 0 ? Math.min(at, points.length - 1) : Math.max(0, points.length - 1)));
    if (at < 0) stage.setAttribute('aria-valuetext', points.length > 0 ? `${fullTime(points.at(-1).at)}: ${words(points.at(-1))}` : empty);
    const isEmpty = !points.some((each) => series.some(({ value, isLimit }) => !isLimit && value(each)));
    fill(legend, series.map(({ name, tone }) => h('li', {}, h('span', { class: `swatch tone-${tone}` }), name)),
      isEmpty ? h('li', { class: 'muted' }, empty) : null);
    draw();
    tabulate();
  }

  return { element, show };
}

/** The end of an axis: the next round number, half of which is round as well. */
function niceTop(value) {
  if (value <= 0) return 1;
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((step) => step * size >= value) * size;
}
