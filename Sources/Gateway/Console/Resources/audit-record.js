// All that one record says, and where it stands in the chain.

import { dialog } from './dialogs.js';
import { h } from './dom.js';
import { facts } from './tables.js';

/** Who acted: an administrator, a tenant's subject, a key. */
export function subjectOf(record) {
  if (record.actor) return record.actor;
  if (record.subject) return record.subject;
  return record.key_id ? h('code', {}, record.key_id) : '–';
}

export const recordDialog = ({ sequence, stream, hash, previous, record }) => dialog(`Record ${sequence}`, (close) => h('div', {},
  facts(Object.entries(record).map(([name, value]) => [name.replaceAll('_', ' '), shown(name, value)])),
  h('h3', {}, 'In the chain'),
  facts([['Stream', stream], ['Hash', h('code', {}, hash)], ['Before it', h('code', {}, previous)]]),
  h('div', { class: 'buttons' }, h('button', { type: 'button', autofocus: true, onclick: () => close() }, 'Close'))), { wide: true });

function shown(name, value) {
  if (name.endsWith('at_ms') && typeof value === 'number') return `${new Date(value).toISOString()} (${value})`;
  if (value !== null && typeof value === 'object') return h('pre', {}, JSON.stringify(value, null, 2));
  return String(value);
}
