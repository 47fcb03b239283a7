// All that one record says, and where it stands in the chain.

import { get, path } from './api.js';
import { dialog } from './dialogs.js';
import { fill, h } from './dom.js';
import { gated } from './forms.js';
import { to } from './router.js';
import { explained } from './states.js';
import { facts } from './tables.js';

/** What other records may share with one, and what the audit page asks for it by. */
const SHARED = { execution: 'execution', request_id: 'request', trace_id: 'trace' };

/** Who acted: an administrator, a tenant's subject, a key. */
export function subjectOf(record) {
  if (record.actor) return record.actor;
  if (record.subject) return record.subject;
  return record.key_id ? h('code', {}, record.key_id) : '–';
}

export const recordDialog = ({ sequence, stream, hash, previous, record }) => dialog(`Record ${sequence}`, (close) => h('div', {},
  facts(Object.entries(record).map(([name, value]) => [name.replaceAll('_', ' '), shown(name, value)])),
  record.code_recorded ? recordedCode(record.execution) : null,
  h('h3', {}, 'In the chain'),
  facts([['Stream', stream], ['Hash', h('code', {}, hash)], ['Before it', h('code', {}, previous)]]),
  h('div', { class: 'buttons' }, h('button', { type: 'button', autofocus: true, onclick: () => close() }, 'Close'))), { wide: true });

/** The code that ran, where the tenant's policy has it kept. That it was looked at goes into the log. */
function recordedCode(execution) {
  const place = h('div', { role: 'status' });
  const show = async () => {
    try {
      const { code } = await get(path('audit', 'code', execution));
      fill(place, h('pre', { class: 'code', tabindex: '0', 'aria-label': 'The code' }, code));
    } catch (error) {
      fill(place, h('p', { class: 'error' }, explained(error)));
    }
  };
  fill(place, h('p', { class: 'hint' }, 'The code is kept, sealed. That you look at it goes into the audit log.'), gated('Show the code', 'admin:audit', show));
  return place;
}

function shown(name, value) {
  if (name.endsWith('at_ms') && typeof value === 'number') return `${new Date(value).toISOString()} (${value})`;
  if (value !== null && typeof value === 'object') return h('pre', {}, JSON.stringify(value, null, 2));
  if (name in SHARED) return h('a', { href: to(['audit'], { [SHARED[name]]: value }) }, String(value));
  return String(value);
}
