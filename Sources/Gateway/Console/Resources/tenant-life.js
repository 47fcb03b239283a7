// Whether a tenant lives: what it is called, shutting it out and letting it in again, and taking it away for good.

import { call, patch, path } from './api.js';
import { confirm, labelled } from './dialogs.js';
import { h, refresh } from './dom.js';
import { moment } from './format.js';
import { gated, readOnly } from './forms.js';
import { go, to } from './router.js';
import { suspensionFields, suspensionOrder } from './suspension.js';
import { facts } from './tables.js';

const SCOPE = 'admin:tenants';

/** - `whenSeen`: takes what is to be called with the tenant whenever it has changed. */
export function lifeTab({ name, tenant, whenSeen }) {
  const place = h('div', {});
  const show = (seen) => refresh(place, h('div', { class: 'panels' }, standing(name, seen), renaming(name, seen), deletion(name)));
  whenSeen(show);
  show(tenant);
  return [readOnly(SCOPE), place];
}

const reload = (name) => go(to(['tenants', name, 'life']));

function standing(name, tenant) {
  if (!tenant.disabled) {
    return h('section', { class: 'panel' }, h('h2', {}, 'Suspend'),
      h('p', {}, 'Its calls are refused until it is resumed, and what it runs is ended unless you say otherwise. Keys, limits and usage stay as they are.'),
      gated('Suspend …', SCOPE, () => suspend(name), { kind: 'danger' }));
  }
  return h('section', { class: 'panel' }, h('h2', {}, 'Suspended'), h('p', {}, 'Its calls are refused.'), facts([
    tenant.suspended_at && ['Since', moment(tenant.suspended_at)],
    tenant.suspended_by && ['By', tenant.suspended_by],
    ['Reason', tenant.suspension_reason ?? 'none was given'],
  ]), gated('Resume …', SCOPE, () => resume(name), { kind: 'primary' }));
}

async function suspend(name) {
  const isDone = await confirm({
    title: `Suspend ${name}`, action: 'Suspend', danger: true,
    text: 'Its calls are refused with 403 from now on, until somebody resumes it, at every gateway of this ledger. Keys, limits and usage stay as they are.',
    fields: suspensionFields({ ends: true }),
    act: (form) => patch(path('tenants', name), { disabled: true, ...suspensionOrder(form) }), done: `${name} is suspended.`,
  });
  if (isDone) reload(name);
}

async function resume(name) {
  const isDone = await confirm({
    title: `Resume ${name}`, text: 'Its keys work again at once.', action: 'Resume',
    act: () => patch(path('tenants', name), { disabled: false }), done: `${name} is let in again.`,
  });
  if (isDone) reload(name);
}

const renaming = (name, { former_names: formerNames }) => h('section', { class: 'panel' }, h('h2', {}, 'Rename'),
  h('p', {}, 'Keys go on working. Records from before keep the old name.'),
  formerNames && facts([['Former names', formerNames.join(', ')]]),
  gated('Rename …', SCOPE, async () => {
    const renamed = await confirm({
      title: `Rename ${name}`, text: [], action: 'Rename',
      fields: [labelled('New name', h('input', { name: 'name', required: true, autocomplete: 'off', spellcheck: 'false', autofocus: true, maxlength: '63' }),
        { hint: 'Up to 63 of a–z, 0–9 and -, beginning with a letter or digit.' })],
      act: (form) => patch(path('tenants', name), { name: form.get('name') }), done: (made) => `It is called ${made.name} now.`,
    });
    if (renamed) reload(renamed.name);
  }));

const deletion = (name) => h('section', { class: 'panel' }, h('h2', {}, 'Delete'),
  h('p', {}, 'Its keys are revoked and what it runs is ended, for good. Usage is kept for the books, and the audit log keeps everything.'),
  gated('Delete …', SCOPE, async () => {
    const gone = await confirm({
      title: `Delete ${name}`, text: 'This cannot be taken back.', action: 'Delete', danger: true, type: name,
      act: async () => { await call('DELETE', path('tenants', name)); }, done: `${name} is deleted.`,
    });
    if (gone) go('#/tenants');
  }, { kind: 'danger' }));
