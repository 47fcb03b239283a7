// Who administers: their tokens, what each allows, and when it was last used.

import { list, path, remove } from './api.js';
import { confirm, labelled, showToken } from './dialogs.js';
import { fill, h } from './dom.js';
import { time } from './format.js';
import { gated, readOnly } from './forms.js';
import { stateBadge } from './keys.js';
import { poll } from './polling.js';
import { who } from './session.js';
import { table } from './tables.js';

const SCOPE = 'admin:keys';

export function administratorsPage({ signal }) {
  const place = h('div', {});
  const rows = table('Admin tokens', [
    { name: 'Name', sort: ({ name }) => name, cell: (token) => [h('strong', {}, token.name), ' ', stateBadge(token)] },
    { name: 'Key', cell: (token) => h('code', {}, token.key_id) },
    { name: 'May', cell: ({ scopes }) => scopes.map((scope) => [h('code', {}, scope.replace('admin:', '')), ' ']) },
    { name: 'Last used', sort: ({ last_used_at: at }) => at ?? '', cell: (token) => time(token.last_used_at) },
    { name: 'Made', sort: ({ created_at: at }) => at, cell: (token) => time(token.created_at) },
    { name: 'Actions', actions: true, cell: (token) => token.state === 'active' && gated('Revoke …', SCOPE, () => revoke(token), { kind: 'danger quiet' }) },
  ], { key: (token) => token.key_id, sorted: { name: 'Made', descending: true } });

  const status = poll(() => list(path('admin-tokens'), { signal }), (tokens) => {
    if (!rows.element.isConnected) fill(place, rows.element);
    rows.show(tokens);
  }, { signal, every: 10_000, place });

  const revoke = async (token) => {
    await confirm({
      title: 'Revoke the admin token', action: 'Revoke', danger: true, type: token.name,
      text: ['It opens nothing from now on, and whoever is signed in with it is signed out, you too if it is yours.', 'This cannot be taken back.'],
      act: () => remove(path('admin-tokens', token.key_id)), done: 'The admin token is revoked.',
    });
    status.again();
  };

  const issue = async () => {
    const issued = await confirm({
      title: 'New admin token', action: 'Issue', text: 'One for each person and program, with what they need.',
      fields: [
        labelled('Name', h('input', { name: 'name', required: true, autofocus: true, autocomplete: 'off', spellcheck: 'false', maxlength: '63' }),
          { hint: 'Up to 63 of a–z, 0–9 and -. It stands in the audit log.' }),
        h('fieldset', {}, h('legend', {}, 'May'), who().scopes.map((scope) =>
          h('label', { class: 'check' }, h('input', { type: 'checkbox', name: 'scopes', value: scope, checked: scope === 'admin:read' }), h('code', {}, scope)))),
      ],
      make: (form) => [path('admin-tokens'), { name: form.get('name'), scopes: form.getAll('scopes') }], done: 'The admin token is issued.',
    });
    status.again();
    if (issued) await showToken(`Admin token of ${issued.name}`, issued.token, 'It signs in here, and is GATEWAY_ADMIN_TOKEN for the commands.');
  };

  return [
    h('div', { class: 'title' }, h('h1', {}, 'Administrators'), gated('New admin token …', SCOPE, issue, { kind: 'primary' })), readOnly(SCOPE),
    h('div', { class: 'toolbar' }, status), place,
  ];
}
