// What stands where there is nothing to show: not yet, not at all, or not now; each says what to do.

import { h } from './dom.js';
import { GatewayAway, Problem } from './api.js';

export const loading = (what = 'Loading') => h('p', { class: 'state muted', role: 'status' }, `${what} …`);

export const empty = (title, advice, ...actions) =>
  h('div', { class: 'state' }, h('p', { class: 'state-title' }, title), h('p', { class: 'muted' }, advice), actions);

export function failed(error, retry) {
  return h('div', { class: 'state', role: 'alert' },
    h('p', { class: 'state-title' }, error instanceof Problem ? error.title : 'This could not be loaded'),
    h('p', {}, explained(error)),
    retry && h('button', { type: 'button', onclick: retry }, 'Try again'));
}

/** What happened and what to do about it, in a sentence or two. */
export function explained(error) {
  if (error instanceof GatewayAway) return 'The gateway does not answer. It may be restarting.';
  if (!(error instanceof Problem)) return `${error.message ?? error}`;
  if (error.type === 'insufficient-scope') return `${error.message} Sign in with one that may.`;
  if (error.type === 'idempotency-mismatch') return 'What you pressed before was done, with what stood here then. Look, before you press again.';
  if (error.status === 412) return 'Somebody changed this meanwhile. Press Discard to see how it stands now, then change it again.';
  if (error.status === 429 && error.retryAfter) return `${error.message} Try again in ${Math.ceil(error.retryAfter / 1000)} s.`;
  if (error.status >= 500 && error.requestID) return `${error.message} Request ${error.requestID}.`;
  return error.message;
}

/** The same of a change: without an answer nobody knows whether it was made. */
export const outcome = (error) => (error instanceof GatewayAway
  ? 'No answer: it is not known whether this was done. Look, then try again.' : explained(error));
