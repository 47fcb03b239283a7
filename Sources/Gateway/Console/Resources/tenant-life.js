// Whether a tenant lives: what it is called, shutting it out and letting it in again, and taking it away for good.

import { call, patch, path } from './api.js';
import { confirm, labelled } from './dialogs.js';
import { h } from './dom.js';
import { moment } from './format.js';
import { gated, readOnly } from './forms.js';
import { go, to } from './router.js';

const SCOPE = 'admin:tenants';

export function lifeTab({ name, tenant }) {
  const reload = () => go(to(['tenants', name, 'life']));
  const act = async (question) => { if (await confirm(question)) reload(); };
  return [readOnly(SCOPE), h('div', { class: 'panels' },
    h('section', { class: 'panel' }, h('h2', {}, tenant.disabled ? 'Suspended' : 'Suspend'),
      tenant.disabled
        ? [h('p', {}, 'Its calls are refused', tenant.suspended_at ? [' since ', moment(tenant.suspended_at)] : '', '.'),
          gated('Resume …', SCOPE, () => act({
            title: `Resume ${name}`, text: 'Its keys work again at once.', action: 'Resume',
            act: () => patch(path('tenants', name), { disabled: false }), done: `${name} is let in again.`,
          }), { kind: 'primary' })]
        : [h('p', {}, 'Its calls are refused and what it runs is ended. Keys, limits and usage stay as they are.'),
          gated('Suspend …', SCOPE, () => act({
            title: `Suspend ${name}`, text: 'Its calls are refused from now on, and what it runs is ended.', action: 'Suspend', danger: true,
            act: () => patch(path('tenants', name), { disabled: true }), done: `${name} is suspended.`,
          }), { kind: 'danger' })]),
    h('section', { class: 'panel' }, h('h2', {}, 'Rename'),
      h('p', {}, 'Keys go on working. Records from before keep the old name.'),
      gated('Rename …', SCOPE, async () => {
        const renamed = await confirm({
          title: `Rename ${name}`, text: [], action: 'Rename',
          fields: [labelled('New name', h('input', { name: 'name', required: true, autocomplete: 'off', spellcheck: 'false', autofocus: true, maxlength: '63' }),
            { hint: 'Up to 63 of a–z, 0–9 and -, beginning with a letter or digit.' })],
          act: (form) => patch(path('tenants', name), { name: form.get('name') }), done: (made) => `It is called ${made.name} now.`,
        });
        if (renamed) go(to(['tenants', renamed.name, 'life']));
      })),
    h('section', { class: 'panel' }, h('h2', {}, 'Delete'),
      h('p', {}, 'Its keys are revoked and what it runs is ended, for good. Usage is kept for the books, and the audit log keeps everything.'),
      gated('Delete …', SCOPE, async () => {
        const gone = await confirm({
          title: `Delete ${name}`, text: 'This cannot be taken back.', action: 'Delete', danger: true, type: name,
          act: async () => { await call('DELETE', path('tenants', name)); }, done: `${name} is deleted.`,
        });
        if (gone) go('#/tenants');
      }, { kind: 'danger' })))];
}
