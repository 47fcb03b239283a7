// A tenant's keys: which are used, by how much, and how they come and go.

import { list, path, put, remove } from './api.js';
import { confirm, showToken } from './dialogs.js';
import { fill, h } from './dom.js';
import { number, time } from './format.js';
import { gated, readOnly } from './forms.js';
import { poll } from './polling.js';
import { to } from './router.js';
import { empty } from './states.js';
import { suspensionFields, suspensionOrder, suspensionNote } from './suspension.js';
import { table } from './tables.js';

const SCOPE = 'admin:keys';

export function keysTab({ name, signal }) {
  const place = h('div', {});
  const rows = table(`Keys of ${name}`, [
    { name: 'Key', cell: (key) => [h('code', {}, key.key_id), ' ', stateBadge(key), suspensionNote(key)] },
    { name: 'Last used', sort: ({ last_used_at: at }) => at ?? '', cell: (key) => time(key.last_used_at) },
    { name: 'Last hour', numeric: true, sort: (key) => key.calls_last_hour, cell: (key) => number(key.calls_last_hour) },
    { name: 'Today', numeric: true, sort: (key) => key.calls_today, cell: (key) => number(key.calls_today) },
    { name: 'Made', sort: ({ created_at: at }) => at, cell: (key) => time(key.created_at) },
    { name: 'Ends', cell: (key) => time(key.revoked_at ?? key.expires_at, '–') },
    { name: 'Actions', actions: true, cell: (key) => actions(key) },
  ], { key: (key) => key.key_id, sorted: { name: 'Made', descending: true } });

  const status = poll(() => list(`${path('keys')}?tenant=${encodeURIComponent(name)}`, { signal }), (keys) => {
    if (keys.length === 0) {
      fill(place, empty('No keys yet', 'A key opens the gateway to this tenant. Issue one and put its token into the app.', issue()));
    } else if (!rows.element.isConnected) fill(place, rows.element);
    rows.show(keys);
  }, { signal, place });

  const issue = () => gated('Issue a key …', SCOPE, async () => {
    const issued = await confirm({
      title: 'Issue a key', text: [`A new key of ${name}. Those that are there go on as they are.`], action: 'Issue',
      make: () => [path('tenants', name, 'keys'), {}], done: 'The key is issued.',
    });
    status.again();
    if (issued) await showToken(`New key of ${name}`, issued.token, `Key id ${issued.key_id}.`);
  }, { kind: 'primary' });

  const after = (work) => async () => { await work(); status.again(); };

  function actions(key) {
    if (key.state === 'revoked') return null;
    const isSuspended = key.state === 'suspended';
    return [
      key.successor || isSuspended
        ? key.successor && h('a', { class: 'button', href: rotation(key) }, 'Rotation')
        : gated('Rotate', SCOPE, () => { location.hash = rotation(key); }),
      gated(isSuspended ? 'Resume' : 'Suspend …', SCOPE, after(() => suspend(key, isSuspended))),
      gated('Revoke …', SCOPE, after(() => revoke(key)), { kind: 'danger quiet' }),
    ];
  }

  const rotation = (key) => to(['tenants', name, 'keys', key.key_id, 'rotation']);
  return [readOnly(SCOPE), h('div', { class: 'toolbar' }, issue(), status), place];
}

export function stateBadge({ state }) {
  const tone = { active: 'good', retiring: 'warn', suspended: 'bad', revoked: 'muted' }[state] ?? '';
  return h('span', { class: `badge ${tone}` }, state);
}

const suspend = (key, isSuspended) => confirm(isSuspended
  ? { title: 'Resume the key', text: `Calls with the key ${key.key_id} are taken again.`, action: 'Resume', act: () => remove(path('keys', key.key_id, 'suspension')), done: 'The key works again.' }
  : {
    title: 'Suspend the key', text: 'Calls with it are refused with 403 until somebody resumes it, at every gateway of this ledger.', action: 'Suspend', danger: true,
    fields: suspensionFields({ ends: false }),
    act: (form) => put(path('keys', key.key_id, 'suspension'), suspensionOrder(form)), done: 'The key is suspended.',
  });

/** Ends a key for good. */
export const revoke = (key) => confirm({
  title: 'Revoke the key', action: 'Revoke', danger: true, type: key.key_id,
  text: [
    key.calls_last_hour > 0
      ? h('p', { class: 'notice' }, h('strong', {}, `${number(key.calls_last_hour)} calls`), ' were made with it in the last hour. They will be refused from now on.')
      : 'Nobody called with it in the last hour.',
    'What it runs is ended. This cannot be taken back.',
  ],
  act: () => remove(path('keys', key.key_id)), done: 'The key is revoked.',
});
