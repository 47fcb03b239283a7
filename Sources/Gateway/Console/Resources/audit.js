// Who did what: the audit log, searched, and whether its chain holds.

import { get, path } from './api.js';
import { chainState } from './audit-chain.js';
import { recordDialog, subjectOf } from './audit-record.js';
import { labelled } from './dialogs.js';
import { fill, h } from './dom.js';
import { moment, number } from './format.js';
import { choice } from './forms.js';
import { go, to } from './router.js';
import { empty, failed, loading } from './states.js';
import { table } from './tables.js';

const PAGE = 50;
const FIELDS = [
  ['tenant', 'Tenant', ''], ['subject', 'Subject', ''], ['key', 'Key id', '16 hex digits'], ['action', 'Action', 'like key.revoked'],
  ['outcome', 'Outcome', 'like refused'], ['execution', 'Execution', 'exe_…'], ['request', 'Request', 'X-Request-Id of a reply'], ['trace', 'Trace', '32 hex digits'],
  ['from', 'From', 'like 2026-11-30'], ['to', 'Before', 'like 2026-12-01'],
];

export function auditPage({ query, signal }) {
  const place = h('div', {});
  const order = query.get('order') === 'oldest' ? 'oldest' : 'newest';
  const rows = table('Audit records', [
    { name: 'Number', cell: ({ sequence }) => number(sequence) },
    { name: 'When', cell: ({ record }) => moment(new Date(record.at_ms).toISOString()) },
    { name: 'What', cell: ({ record }) => [h('strong', {}, record.action), record.outcome ? [' ', h('span', { class: `badge ${record.outcome === 'refused' ? 'warn' : ''}` }, record.outcome)] : null] },
    { name: 'Who', cell: ({ record }) => subjectOf(record) },
    { name: 'Tenant', cell: ({ record }) => (record.tenant ? h('a', { href: to(['tenants', record.tenant]) }, record.tenant) : '–') },
    { name: 'Why', cell: ({ record }) => record.reason ?? '–' },
    { name: 'Actions', actions: true, cell: (record) => h('button', { type: 'button', onclick: () => recordDialog(record) }, 'Details', h('span', { class: 'hidden' }, ` of record ${record.sequence}`)) },
  ], { key: ({ sequence }) => String(sequence) });

  async function load() {
    const wanted = new URLSearchParams({ order, limit: String(PAGE) });
    for (const [name] of FIELDS) if (query.get(name)) wanted.set(name, query.get(name));
    if (query.get('after')) wanted.set('after', query.get('after'));
    fill(place, loading('Searching'));
    try {
      const { records, next } = await get(`${path('audit')}?${wanted}`, { signal });
      rows.show(records);
      const onward = next === undefined || next === null ? null : h('a', { class: 'button', href: to(['audit'], { ...Object.fromEntries(query), after: next }) }, order === 'newest' ? 'Older' : 'Newer');
      const first = query.get('after') && h('a', { class: 'button', href: to(['audit'], { ...Object.fromEntries(query), after: '' }) }, 'First page');
      fill(place, records.length > 0 ? rows.element : empty(onward ? 'None among these' : 'No records', onward
        ? 'There is more to look through.' : 'Nothing was recorded that fits. Take a filter away, or ask for another time.'),
      h('nav', { class: 'paging', 'aria-label': 'Pages' }, first, onward));
    } catch (error) {
      if (!signal.aborted) fill(place, failed(error, load));
    }
  }
  load();
  return [h('div', { class: 'title' }, h('h1', {}, 'Audit')), chainState({ signal }), filters(query, order), place];
}

function filters(query, order) {
  const form = h('form', {
    class: 'filters', role: 'search', 'aria-label': 'Audit records',
    onsubmit: (event) => {
      event.preventDefault();
      const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
      go(to(['audit'], { ...values, order: values.order === 'newest' ? '' : values.order }));
    },
  }, FIELDS.map(([name, label, placeholder]) => labelled(label, h('input', { name, placeholder, value: query.get(name) ?? '', autocomplete: 'off', spellcheck: 'false' }))),
  labelled('Order', choice([['newest', 'Newest first'], ['oldest', 'Oldest first']], order, { name: 'order' })),
  h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Search'), h('a', { class: 'button', href: '#/audit' }, 'Clear')));
  return form;
}
