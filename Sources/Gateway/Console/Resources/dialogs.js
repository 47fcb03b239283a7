// Questions that must be answered before anything else. The browser's own dialog holds the focus and gives it back.

import { h, newID } from './dom.js';
import { explained } from './states.js';
import { toast } from './toasts.js';

/** Opens a dialog with this content; resolves with what `close` is given. */
export function dialog(title, build, { wide = false } = {}) {
  return new Promise((resolve) => {
    const heading = newID('title');
    const element = h('dialog', { 'aria-labelledby': heading, class: wide ? 'wide' : null });
    let value;
    const close = (answer) => { value = answer; element.close(); };
    element.append(h('h2', { id: heading, tabindex: '-1' }, title), build(close, element));
    element.addEventListener('close', () => { element.remove(); resolve(value); });
    document.body.append(element);
    element.showModal();
    (element.querySelector('[autofocus]') ?? element.querySelector('h2')).focus();
    // Whoever leaves the page leaves the question.
    addEventListener('hashchange', () => element.close(), { once: true });
  });
}

/**
 * Asks before something is done, and does it: `act` is given what the fields hold. A failure is told in the dialog, which
 * stays open. Resolves with what `act` returned, or undefined if it was not done.
 *
 * - `type`: a word that has to be typed first, for what cannot be taken back.
 */
export function confirm({ title, text, action, danger = false, type, fields = [], act, done }) {
  return dialog(title, (close) => {
    const typed = type && labelled('Type', h('input', { name: 'typed', autocomplete: 'off', spellcheck: 'false', autofocus: true }),
      { hint: h('span', {}, 'Type ', h('strong', {}, type), ' to confirm.') });
    const button = h('button', { type: 'submit', class: danger ? 'danger' : 'primary', disabled: Boolean(type) }, action);
    const error = h('p', { class: 'error', role: 'alert' });
    typed?.addEventListener('input', (event) => { button.disabled = event.target.value !== type; });
    const form = h('form', {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        error.textContent = '';
        try {
          const result = await act(new FormData(form));
          if (done) toast(typeof done === 'function' ? done(result) : done);
          close(result ?? true);
        } catch (failure) {
          error.textContent = explained(failure);
          button.disabled = false;
        }
      },
    }, [text].flat().map((part) => (typeof part === 'string' ? h('p', {}, part) : part)), fields, typed, error,
    h('div', { class: 'buttons' }, button, h('button', { type: 'button', onclick: () => close() }, 'Cancel')));
    return form;
  });
}

/** A field with its label, and a hint that belongs to it. */
export function labelled(label, control, { hint } = {}) {
  const [id, hintID] = [control.id || newID('field'), newID('hint')];
  control.id = id;
  if (hint) control.setAttribute('aria-describedby', hintID);
  return h('div', { class: 'field' }, h('label', { for: id }, label), control,
    hint && h('p', { class: 'hint', id: hintID }, hint));
}

/** Shows a credential, this once. */
export function showToken(title, token, advice) {
  return dialog(title, (close) => {
    const field = h('textarea', { readonly: true, rows: '3', spellcheck: 'false', class: 'token', 'aria-label': 'Token', autofocus: true }, token);
    const note = h('span', { role: 'status', class: 'muted' });
    const copy = async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(token);
        note.textContent = 'Copied';
      } catch {
        note.textContent = 'Press Ctrl+C: the browser does not let a page copy here.';
      }
    };
    return h('div', {}, h('p', {}, 'Copy it now: it is shown this once, and nobody can look it up.'), field,
      advice && h('p', { class: 'hint' }, advice),
      h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'primary', onclick: copy }, 'Copy'),
        h('button', { type: 'button', onclick: () => close() }, 'I have it'), note));
  });
}
