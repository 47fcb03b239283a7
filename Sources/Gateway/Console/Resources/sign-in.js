// The door: an admin token for a session.

import { fill, h } from './dom.js';
import { labelled } from './dialogs.js';
import { signIn } from './session.js';
import { explained } from './states.js';

export function signInPage(app, { reason, onSignedIn }) {
  document.title = 'Sign in · e2b-gateway';
  const token = h('input', { type: 'password', name: 'token', autocomplete: 'off', spellcheck: 'false', required: true, autofocus: true });
  const error = h('p', { class: 'error', role: 'alert' });
  const button = h('button', { type: 'submit', class: 'primary' }, 'Sign in');
  fill(app, h('main', { class: 'sign-in', id: 'main' },
    h('h1', {}, 'e2b-gateway'),
    h('p', { class: 'muted' }, 'The administrators’ console'),
    reason && h('p', { class: 'notice', role: 'status' }, reason),
    h('form', {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        error.textContent = '';
        try {
          await signIn(token.value.trim());
          token.value = '';
          onSignedIn();
        } catch (failure) {
          error.textContent = advice(failure);
          button.disabled = false;
          token.focus();
          token.select();
        }
      },
    }, labelled('Admin token', token, { hint: ['It begins with ', h('code', {}, 'e2b_'), '. Make one with ', h('code', {}, 'e2b-gateway admin-token issue NAME'), '.'] }),
    error, h('div', { class: 'buttons' }, button)),
    h('p', { class: 'hint' }, 'You stay signed in for 12 hours, or until 30 minutes pass without you. The token is not kept in this browser.')));
  token.focus();
}

function advice(failure) {
  const more = {
    'invalid-token': 'Check that it was copied whole. A tenant’s token does not open the console.',
    'invalid-signature': 'This token may only sign requests; the console needs one without that restriction.',
    'expired-token': 'Ask whoever issued it for a new one.',
  }[failure.type];
  return more ? `${failure.message} ${more}` : explained(failure);
}
