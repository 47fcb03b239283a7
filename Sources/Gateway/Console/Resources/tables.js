// Tables that can be read in a narrow window: there each row is a card, with its columns' names beside the values. The roles
// are said aloud, since a table that is laid out as cards is none to the browser.

import { h } from './dom.js';
import { number } from './format.js';

/** More rows than anybody reads; the rest is found by searching and ordering. */
const MOST_ROWS = 200;

/**
 * - `columns`: `{ name, cell, sort?, numeric?, greatestFirst?, actions? }`; `cell` makes the content out of a row, `sort` a value to order by,
 *   from the least unless it is `numeric` or `greatestFirst`.
 * - `key`: what a row is known by, so that the focus stays where it is when the rows are made anew.
 */
export function table(caption, columns, { key, sorted } = {}) {
  let order = sorted ?? null;
  let rows = [];
  let isCut = false;
  const body = h('tbody', { role: 'rowgroup' });
  const headings = columns.map((column) => heading(column));
  const note = h('p', { class: 'muted' });
  const element = h('div', {}, h('table', { role: 'table', class: 'cards' }, h('caption', { class: 'hidden' }, caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, headings)), body), note);

  function heading(column) {
    const attributes = { role: 'columnheader', scope: 'col', class: column.numeric ? 'numeric' : null };
    if (!column.sort) return h('th', attributes, column.actions ? h('span', { class: 'hidden' }, column.name) : column.name);
    return h('th', attributes, h('button', {
      type: 'button', class: 'sort',
      onclick: () => {
        order = { name: column.name, descending: order?.name === column.name ? !order.descending : Boolean(column.numeric || column.greatestFirst) };
        draw();
      },
    }, column.name, h('span', { class: 'arrow', 'aria-hidden': 'true' })));
  }

  function draw() {
    const column = columns.find(({ name }) => name === order?.name);
    const shown = (column ? [...rows].sort(by(column.sort, order.descending)) : rows).slice(0, MOST_ROWS);
    note.textContent = [
      rows.length > MOST_ROWS && `The first ${MOST_ROWS} of ${number(rows.length)} are shown.`, isCut && 'There are more than can be listed here.',
    ].filter(Boolean).join(' ');
    note.hidden = note.textContent === '';
    columns.forEach(({ name, sort }, index) => {
      if (sort) headings[index].setAttribute('aria-sort', name === order?.name ? (order.descending ? 'descending' : 'ascending') : 'none');
    });
    const focused = document.activeElement?.closest?.('tr[data-key]');
    const place = focused && body.contains(focused)
      ? [focused.dataset.key, [...focused.querySelectorAll('a, button')].indexOf(document.activeElement)] : null;
    body.replaceChildren(...shown.map(drawn));
    if (place) body.querySelector(`tr[data-key="${CSS.escape(place[0])}"]`)?.querySelectorAll('a, button')[place[1]]?.focus();
  }

  const drawn = (row) => h('tr', { role: 'row', 'data-key': key ? key(row) : null }, columns.map((column) =>
    h('td', { role: 'cell', 'data-label': column.actions ? null : column.name, class: [column.numeric && 'numeric', column.actions && 'actions'].filter(Boolean).join(' ') || null },
      h('div', { class: 'value' }, column.cell(row)))));

  /** - `isAll`: whether these are all there are, as far as the gateway says. */
  const show = (newRows, isAll = !newRows.isCut) => {
    [rows, isCut] = [newRows, !isAll];
    draw();
  };
  return { element, show };
}

const by = (value, descending) => (left, right) => {
  const [a, b] = [value(left), value(right)];
  const order = a === b ? 0 : a === null || a === undefined ? -1 : b === null || b === undefined ? 1 : a < b ? -1 : 1;
  return descending ? -order : order;
};

/** Facts about one thing: names and values. */
export const facts = (entries) => h('dl', { class: 'facts' }, entries.filter(Boolean).map(([name, value]) =>
  h('div', {}, h('dt', {}, name), h('dd', {}, value))));
