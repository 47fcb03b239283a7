// Questions that must be answered before anything else. The browser's own dialog holds the focus and gives it back.

import { create, GatewayAway, isUnclear } from './api.js';
import { h, newID } from './dom.js';
import { explained, outcome } from './states.js';
import { toast } from './toasts.js';

/**
 * Opens a dialog with this content; resolves with what `close` is given. `hold` keeps it open whatever else happens: Escape,
 * the way back, the end of the session.
 */
export function dialog(title, build, { wide = false } = {}) {
  return new Promise((resolve) => {
    const heading = newID('title');
    const element = h('dialog', { 'aria-labelledby': heading, class: wide ? 'wide' : null });
    let value;
    let isHeld = false;
    const hold = (isIt) => {
      isHeld = isIt;
      element.toggleAttribute('data-held', isIt);
    };
    const close = (answer) => {
      hold(false);
      value = answer;
      element.close();
    };
    // Whoever leaves the page leaves the question.
    const leave = () => { if (!isHeld) element.close(); };
    element.append(h('h2', { id: heading, tabindex: '-1' }, title), build(close, hold));
    element.addEventListener('cancel', (event) => { if (isHeld) event.preventDefault(); });
    element.addEventListener('close', () => {
      // A second Escape closes it all the same.
      if (isHeld) return element.showModal();
      removeEventListener('hashchange', leave);
      element.remove();
      // The door may have come up behind it.
      if (document.activeElement === document.body) document.querySelector('#main [autofocus]')?.focus();
      return resolve(value);
    });
    document.body.append(element);
    element.showModal();
    (element.querySelector('[autofocus]') ?? element.querySelector('h2')).focus();
    addEventListener('hashchange', leave);
  });
}

/** Closes the questions that nobody has to wait for. */
export function closeDialogs() {
  for (const element of document.querySelectorAll('dialog:not([data-held])')) element.close();
}

/** Runs what a button does: it says so meanwhile, and cannot be pressed again. */
export async function working(button, work) {
  const label = button.textContent;
  button.disabled = true;
  button.textContent = 'Working …';
  try {
    return await work();
  } finally {
    button.textContent = label;
    button.disabled = false;
  }
}

/** The key by which something is made once, however often it is asked for: until it is known not to be made. */
export function making() {
  let key = crypto.randomUUID();
  return async (path, body) => {
    try {
      return await create(path, body, key);
    } catch (error) {
      if (!isUnclear(error)) key = crypto.randomUUID();
      throw error;
    }
  };
}

/** What became of an attempt to make something once. */
export const outcomeOfMaking = (error) => (error instanceof GatewayAway
  ? 'No answer: it is not known whether this was done. Press again: it is done once, however often you press.' : explained(error));

/**
 * Asks before something is done, and does it. A failure is told in the dialog, which stays open, and is held while nothing is
 * known. Resolves with what was returned, or undefined if it was not done.
 *
 * - `act`: does it; is given what the fields hold.
 * - `make`: in its place, what is to be made: is given the same and returns the arguments of `create`.
 * - `type`: a word that has to be typed first, for what cannot be taken back.
 */
export function confirm({ title, text, action, danger = false, type, fields = [], act, make, done }) {
  return dialog(title, (close, hold) => {
    const typed = type && labelled('Type', h('input', { name: 'typed', autocomplete: 'off', spellcheck: 'false', autofocus: true }),
      { hint: h('span', {}, 'Type ', h('strong', {}, type), ' to confirm.') });
    const button = h('button', { type: 'submit', class: danger ? 'danger' : 'primary', disabled: Boolean(type) }, action);
    const cancel = h('button', { type: 'button', onclick: () => close() }, 'Cancel');
    const error = h('p', { class: 'error', role: 'alert' });
    const once = make && making();
    typed?.addEventListener('input', (event) => { button.disabled = event.target.value !== type; });
    const form = h('form', {
      onsubmit: async (event) => {
        event.preventDefault();
        if (cancel.disabled) return;
        error.textContent = '';
        hold(true);
        cancel.disabled = true;
        try {
          const held = new FormData(form);
          const result = await working(button, () => (make ? once(...make(held)) : act(held)));
          close(result ?? true);
          if (done) toast(typeof done === 'function' ? done(result) : done);
        } catch (failure) {
          hold(false);
          cancel.disabled = false;
          // The way in stands behind it, and says the rest.
          if (failure.status === 401) return close();
          error.textContent = make ? outcomeOfMaking(failure) : outcome(failure);
        }
      },
    }, [text].flat().map((part) => (typeof part === 'string' ? h('p', {}, part) : part)), fields, typed, error,
    h('div', { class: 'buttons' }, button, cancel));
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

/** Shows a credential, this once. Nothing takes it away but whoever has it. */
export function showToken(title, token, advice) {
  return dialog(title, (close, hold) => {
    hold(true);
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
