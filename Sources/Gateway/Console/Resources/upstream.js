// The keys for E2B: which is used, whether E2B takes it, and how one comes in place of another.

import { list, path, post, remove } from './api.js';
import { confirm, labelled } from './dialogs.js';
import { fill, h } from './dom.js';
import { time } from './format.js';
import { gated } from './forms.js';
import { poll } from './polling.js';
import { empty, explained } from './states.js';
import { table } from './tables.js';
import { toast } from './toasts.js';

const SCOPE = 'admin:upstream-keys';

export function upstreamPage({ signal }) {
  const place = h('div', {});
  const rows = table('Upstream keys', [
    { name: 'Key', cell: (key) => h('code', {}, key.id) },
    { name: 'Team', cell: (key) => key.team },
    { name: 'Role', cell: (key) => [h('span', { class: `badge ${key.role === 'active' ? 'good' : ''}` }, key.role), ' since ', time(key.role_since)] },
    { name: 'E2B says', cell: (key) => h('span', { class: `badge ${{ accepted: 'good', refused: 'bad' }[key.health] ?? ''}` }, key.health) },
    { name: 'Added', cell: (key) => time(key.created_at) },
    { name: 'Actions', actions: true, cell: (key) => actions(key) },
  ], { key: ({ id }) => id });

  const status = poll(() => list(path('upstream-keys'), { signal }), (keys) => {
    if (keys.length === 0) fill(place, empty('No upstream key', 'Without one no sandbox can be made. Add a key that E2B issued.'));
    else if (!rows.element.isConnected) fill(place, rows.element);
    rows.show(keys);
  }, { signal, every: 10_000, place });

  const ask = async (question) => { await confirm(question); status.again(); };
  const of = (key, word) => path('upstream-keys', key.id, word);

  const probe = async (key) => {
    try {
      const { health } = await post(of(key, 'probe'));
      toast(`E2B says of ${key.id}: ${health}.`, health === 'accepted' ? 'done' : 'failed');
    } catch (error) {
      toast(explained(error), 'failed');
    }
    status.again();
  };

  const actions = (key) => [
    gated('Probe', SCOPE, () => probe(key)),
    key.role !== 'active' && gated('Activate …', SCOPE, () => ask({
      title: 'Activate the key', text: 'New sandboxes are made with it from now on, if E2B takes it. Those that live stay with theirs.', action: 'Activate',
      act: () => post(of(key, 'activation')), done: `${key.id} is active.`,
    })),
    key.role === 'standby' && gated('Retire …', SCOPE, () => ask({
      title: 'Retire the key', text: 'No more sandboxes are made with it. It is kept until those it made are gone.', action: 'Retire',
      act: () => post(of(key, 'retirement')), done: `${key.id} is retired.`,
    })),
    key.role === 'retired' && gated('Remove …', SCOPE, () => ask({
      title: 'Remove the key', text: ['The gateway forgets it. It goes on opening E2B until it is revoked there.', 'The last key of its team stays while sandboxes are left that no other key reaches.'],
      fields: [h('label', { class: 'check' }, h('input', { type: 'checkbox', name: 'force' }), 'Remove it even then: they run until their time is over')],
      action: 'Remove', danger: true, type: key.id,
      act: (form) => remove(`${path('upstream-keys', key.id)}${form.has('force') ? '?force=true' : ''}`), done: `${key.id} is removed.`,
    }), { kind: 'danger quiet' }),
  ];

  const add = () => ask({
    title: 'Add an upstream key', action: 'Add', text: 'E2B is asked whether it takes the key before it is kept, sealed. It begins on standby: nothing changes until it is activated.',
    fields: [
      labelled('Key', h('input', { type: 'password', name: 'key', required: true, autocomplete: 'off', spellcheck: 'false', autofocus: true }), { hint: 'As E2B issued it. Nobody is shown it again.' }),
      labelled('Team', h('input', { name: 'team', autocomplete: 'off', spellcheck: 'false', maxlength: '32' }), { hint: 'Your name for the E2B team it belongs to. Leave it empty where it can be found out.' }),
    ],
    make: (form) => [path('upstream-keys'), { key: form.get('key'), ...(form.get('team') ? { team: form.get('team') } : {}) }],
    done: ({ id }) => `${id} is added.`,
  });

  return [
    h('div', { class: 'title' }, h('h1', {}, 'Upstream keys'), gated('Add a key …', SCOPE, add, { kind: 'primary' })),
    h('p', { class: 'lead' }, 'To change keys: add the new one, probe it, activate it, then retire and remove the old one.'),
    h('div', { class: 'toolbar' }, status), place,
  ];
}
