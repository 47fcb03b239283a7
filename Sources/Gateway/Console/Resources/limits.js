// Limits, of a tenant or of those to come: each can be changed, and beside a tenant's stands what yesterday's calls would
// have met.

import { call, path } from './api.js';
import { labelled } from './dialogs.js';
import { h } from './dom.js';
import { rate } from './format.js';
import { gated, readOnly } from './forms.js';
import { changeOf, FIELDS, GROUPS } from './limits-fields.js';
import { preview } from './limits-preview.js';
import { explained, outcome } from './states.js';
import { toast } from './toasts.js';

const SCOPE = 'admin:quotas';

export const limitsTab = ({ name, signal }) =>
  limits({ address: path('tenants', name, 'policy'), trial: preview(name, signal), done: `The limits of ${name} are changed.`, signal });

/** The limits that new tenants get. */
export const defaultLimitsPage = async ({ signal }) => [
  h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' }, h('a', { href: '#/tenants' }, 'Tenants')),
  h('div', { class: 'title' }, h('h1', {}, 'Limits of new tenants')),
  h('p', { class: 'lead' }, 'What a tenant begins with. Those that are there keep theirs.'),
  await limits({ address: path('default-policy'), done: 'The limits of new tenants are changed.', signal }),
];

async function limits({ address, trial, done, signal }) {
  const place = h('div', {});
  async function draw() {
    const { body, headers } = await call('GET', address, { signal });
    trial?.of(null);
    place.replaceChildren(form({ address, trial, done, again: draw }, body, headers.get('ETag')));
  }
  await draw();
  return [readOnly(SCOPE), place];
}

function form({ address, trial, done, again }, policy, tag) {
  const shown = (field) => field.show(policy, rate);
  const controls = new Map(FIELDS.map((field) => [field, control(field, shown(field))]));
  const error = h('p', { class: 'error', role: 'alert' });
  const changed = h('span', { class: 'muted', role: 'status' });
  const save = gated('Save', SCOPE, submit, { kind: 'primary' });

  function control(field, value) {
    if (field.kind === 'switch') return h('input', { type: 'checkbox', name: field.name, checked: value });
    return h('input', { type: 'text', name: field.name, value, inputmode: field.kind === 'number' ? 'decimal' : null, autocomplete: 'off', spellcheck: 'false', placeholder: field.placeholder ?? null });
  }

  const valueOf = (field) => (field.kind === 'switch' ? controls.get(field).checked : controls.get(field).value.trim());
  const changes = () => FIELDS.filter((field) => valueOf(field) !== shown(field)).map((field) => [field, valueOf(field)]);

  function onInput() {
    const all = changes();
    for (const [field, input] of controls) input.closest('.field, .check').classList.toggle('changed', all.some(([each]) => each === field));
    changed.textContent = all.length === 0 ? '' : `${all.length} changed`;
    error.textContent = '';
    try {
      const change = all.length === 0 ? null : changeOf(all);
      trial?.of(change);
    } catch (failure) {
      error.textContent = failure.message;
      trial?.of(null);
    }
  }

  async function submit() {
    try {
      const all = changes();
      if (all.length === 0) return;
      await call('PATCH', address, { body: changeOf(all), headers: tag ? { 'If-Match': tag } : {} });
      toast(done);
    } catch (failure) {
      error.textContent = outcome(failure);
      return;
    }
    await discard();
  }

  /** Shows what holds. */
  async function discard() {
    try {
      await again();
    } catch (failure) {
      if (failure.name !== 'AbortError') error.textContent = explained(failure);
    }
  }

  return h('form', { class: 'limits', oninput: onInput, onsubmit: (event) => { event.preventDefault(); } },
    h('div', { class: 'groups' }, GROUPS.map(([title, hint, fields]) => h('fieldset', {}, h('legend', {}, title), hint && h('p', { class: 'hint' }, hint),
      fields.map((field) => (field.kind === 'switch' ? h('label', { class: 'check' }, controls.get(field), field.label)
        : labelled(field.label, controls.get(field), { hint: field.hint })))))),
    h('div', { class: 'side' }, trial?.element, error, h('div', { class: 'buttons' }, save,
      h('button', { type: 'button', onclick: discard }, 'Discard'), changed)));
}
