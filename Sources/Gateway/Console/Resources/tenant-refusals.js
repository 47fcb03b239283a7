// What a tenant was lately refused, out of the audit log.

import { get, path } from './api.js';
import { fill, h } from './dom.js';
import { number, time } from './format.js';
import { poll } from './polling.js';
import { to } from './router.js';
import { may } from './session.js';
import { empty } from './states.js';
import { table } from './tables.js';

const COUNT = 10;

export function recentRefusals({ name, signal }) {
  const place = h('div', {});
  const section = h('section', {}, h('h2', {}, 'Recent refusals'), place);
  if (!may('admin:audit')) {
    fill(place, h('p', { class: 'muted' }, 'To see them, sign in with a token that has the scope ', h('code', {}, 'admin:audit'), '.'));
    return section;
  }
  const rows = table(`Recent refusals of ${name}`, [
    { name: 'When', cell: ({ record }) => time(new Date(record.at_ms).toISOString()) },
    { name: 'Why', cell: ({ record }) => h('strong', {}, record.reason ?? '–') },
    { name: 'What', cell: ({ record }) => record.action },
    { name: 'Subject', cell: ({ record }) => record.subject ?? '–' },
    { name: 'Key', cell: ({ record }) => h('code', {}, record.key_id ?? '–') },
    { name: 'Times', numeric: true, cell: ({ record }) => number(record.count ?? 1) },
  ], { key: ({ sequence }) => String(sequence) });
  const query = new URLSearchParams({ tenant: name, outcome: 'refused', order: 'newest', limit: String(COUNT) });
  const status = poll(() => get(`${path('audit')}?${query}`, { signal }), ({ records }) => {
    if (records.length === 0) fill(place, empty('Nothing was refused', 'What its limits refuse will stand here.'));
    else if (!rows.element.isConnected) fill(place, rows.element, h('p', {}, h('a', { href: to(['audit'], { tenant: name, outcome: 'refused' }) }, 'All refusals in the audit log')));
    rows.show(records);
  }, { signal, every: 15_000, place, isQuiet: true });
  section.append(status);
  return section;
}
