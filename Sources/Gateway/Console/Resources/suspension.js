// Out for a while: the question whether to suspend a tenant or a key, and what is said of one that is.

import { labelled } from './dialogs.js';
import { h, newID } from './dom.js';
import { time } from './format.js';

/** What the question asks. `ends`: whether what runs is ended unless told otherwise. */
export function suspensionFields({ ends }) {
  const hint = newID('hint');
  return [
    labelled('Reason', h('input', { name: 'reason', maxlength: '200', autocomplete: 'off', autofocus: true }),
      { hint: 'Callers who are refused are told it. It may be empty.' }),
    h('div', {}, h('label', { class: 'check' }, h('input', { type: 'checkbox', name: 'end_running', checked: ends, 'aria-describedby': hint }), 'End what it runs'),
      h('p', { class: 'hint', id: hint }, 'Its executions and the sandboxes that are awake are ended at once; else executions go on to their ends, and sandboxes to theirs, out of reach.')),
  ];
}

/** What was answered, as the gateway takes it. */
export function suspensionOrder(form) {
  const reason = form.get('reason').trim();
  return { ...(reason ? { reason } : {}), end_running: form.has('end_running') };
}

/** Since when, by whom and why; null of one that is not suspended. */
export function suspensionNote({ suspended_at: at, suspended_by: by, suspension_reason: reason, revoked_at: revokedAt }) {
  if (!at || revokedAt) return null;
  return h('p', { class: 'suspension' }, 'Suspended ', time(at), by ? ` by ${by}` : '', reason ? `: ${reason}` : '; no reason was given');
}
