// Buttons that know what they need, and fields.

import { h, newID } from './dom.js';
import { may } from './session.js';

/** A button for what needs a scope. Without it the button is there, and says why it does nothing. */
export function gated(label, scope, onclick, { kind } = {}) {
  if (may(scope)) return h('button', { type: 'button', class: kind, onclick }, label);
  const reason = newID('reason');
  return h('span', { class: 'gated' },
    h('button', { type: 'button', class: kind, 'aria-disabled': 'true', 'aria-describedby': reason, title: `Needs the scope ${scope}` }, label),
    h('span', { class: 'hidden', id: reason }, `Needs the scope ${scope}, which your token lacks.`));
}

/** A notice for a page on which nothing can be changed. */
export const readOnly = (scope) => (may(scope) ? null
  : h('p', { class: 'notice' }, 'You can look but not change anything here: your token lacks the scope ', h('code', {}, scope), '.'));

/** A search field that says at once what is typed. */
export function search(label, oninput, value = '') {
  return h('input', { type: 'search', 'aria-label': label, placeholder: label, value, autocomplete: 'off', spellcheck: 'false',
    oninput: (event) => oninput(event.target.value) });
}

/** One of several. */
export function choice(options, value, attributes = {}) {
  return h('select', attributes, options.map(([key, label]) =>
    h('option', { value: key, selected: key === value }, label)));
}

/** A group of which one is pressed. */
export function segments(label, options, value, onchange) {
  const buttons = options.map(([key, text]) => h('button', {
    type: 'button', 'aria-pressed': String(key === value),
    onclick: (event) => {
      for (const button of buttons) button.setAttribute('aria-pressed', String(button === event.currentTarget));
      onchange(key);
    },
  }, text));
  return h('div', { class: 'segments', role: 'group', 'aria-label': label }, buttons);
}
