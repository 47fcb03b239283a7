// One key in place of another, without a call being lost: make the new one, hand it over, watch the old one fall silent, end it.

import { get, isUnclear, list, path } from './api.js';
import { labelled, making, outcomeOfMaking, showToken, working } from './dialogs.js';
import { fill, h, refresh } from './dom.js';
import { number, time } from './format.js';
import { choice, gated, readOnly } from './forms.js';
import { revoke, stateBadge } from './keys.js';
import { poll } from './polling.js';
import { go, to } from './router.js';
import { empty } from './states.js';
import { suspensionNote } from './suspension.js';
import { tenantHead } from './tenant.js';

const SCOPE = 'admin:keys';
const OVERLAPS = [['3600', '1 hour'], ['86400', '1 day'], ['604800', '7 days'], ['2592000', '30 days']];

export async function rotationPage({ tenant: name, key: keyID, signal }) {
  const tenant = await get(path('tenants', name), { signal });
  const place = h('div', {});
  const steps = h('ol', { class: 'steps' });
  const status = poll(() => list(`${path('keys')}?tenant=${encodeURIComponent(name)}`, { signal }), (keys) => {
    const old = keys.find(({ key_id: id }) => id === keyID);
    if (!old) return fill(place, empty('There is no such key', 'It may belong to another tenant.'));
    const successor = keys.find(({ key_id: id }) => id === old.successor);
    if (!steps.isConnected) fill(place, steps);
    // What is being filled in is not made anew under somebody's hands, nor what still waits for its token.
    if (steps.contains(begin.element) && (!old.successor || begin.isOpen())) return undefined;
    return refresh(steps, begun(old, successor), watched(old, successor), ended(old));
  }, { signal, every: 3000, place });

  const begin = beginning(name, keyID, () => { begin.element.remove(); status.again(); });

  function begun(old, successor) {
    if (!old.successor) return old.state === 'active' ? begin.element : h('li', {}, h('h2', {}, 'New key'), h('p', {}, `This key is ${old.state}; it cannot be rotated.`), suspensionNote(old));
    return h('li', { class: 'done' }, h('h2', {}, 'The new key is made'),
      h('p', {}, h('code', {}, old.successor), ' ', successor && stateBadge(successor), ' Put its token in place of the old one wherever the app has it.'));
  }

  function watched(old, successor) {
    if (!old.successor) return h('li', { class: 'later' }, h('h2', {}, 'Watch the old one fall silent'));
    const isQuiet = quiet(old);
    return h('li', { class: isQuiet ? 'done' : 'now' }, h('h2', {}, isQuiet ? 'The old key is silent' : 'The old key is still in use'),
      h('div', { class: 'panels' }, traffic('Old key', old), successor && traffic('New key', successor)),
      isQuiet ? null : h('p', { class: 'muted' }, 'Some instance still has the old token. This page goes on watching.'));
  }

  function ended(old) {
    if (old.state === 'revoked') {
      return h('li', { class: 'done' }, h('h2', {}, 'The old key is ended'), h('p', {}, 'Revoked ', time(old.revoked_at), '. ',
        h('a', { href: to(['tenants', name, 'keys']) }, 'Back to the keys')));
    }
    if (!old.successor) return h('li', { class: 'later' }, h('h2', {}, 'End it'));
    return h('li', { class: quiet(old) ? 'now' : 'later' }, h('h2', {}, 'End it'),
      h('p', {}, 'By itself it ends ', time(old.expires_at), '. ', quiet(old)
        ? `No call for an hour; ${number(old.calls_today)} today. A nightly job may still hold it.` : 'Calls with it are refused from then on, or from when you end it.'),
      gated('End the old key now …', SCOPE, async () => {
        if (await revoke(old)) go(to(['tenants', name, 'keys']));
      }, { kind: 'danger quiet' }));
  }

  return [...tenantHead(tenant, 'keys', { signal, title: `Rotate ${keyID}` }), readOnly(SCOPE), h('div', { class: 'toolbar' }, status), place];
}

/** By the gateway's count; a browser's clock may be wrong. */
const quiet = (key) => key.calls_last_hour === 0;

const traffic = (title, key) => h('section', { class: 'panel' }, h('h3', {}, title), h('p', {}, h('code', {}, key.key_id), ' ', stateBadge(key)), suspensionNote(key),
  h('dl', { class: 'facts' }, [['Last used', time(key.last_used_at)], ['Calls in the last hour', number(key.calls_last_hour)],
    ['Calls today', number(key.calls_today)]].map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value)))));

/** The first step. It is open from the press until somebody has the token, or it is known that there is none. */
function beginning(name, keyID, onMade) {
  const error = h('p', { class: 'error', role: 'alert' });
  const overlap = choice(OVERLAPS, '86400', { name: 'overlap' });
  const once = making();
  let isOpen = false;
  const make = async ({ currentTarget: button }) => {
    error.textContent = '';
    isOpen = true;
    // What is sent again is what was sent.
    overlap.disabled = true;
    try {
      const issued = await working(button, () => once(path('keys', keyID, 'rotation'), { overlap_seconds: Number(overlap.value) }));
      await showToken(`New key of ${name}`, issued.token, `Key id ${issued.key_id}. Put it in place of ${keyID}.`);
      isOpen = false;
      onMade();
    } catch (failure) {
      isOpen = isUnclear(failure);
      overlap.disabled = isOpen;
      error.textContent = outcomeOfMaking(failure);
    }
  };
  const element = h('li', { class: 'now' }, h('h2', {}, 'Make the new key'),
    h('p', {}, 'Both keys are accepted for as long as you say; then the old one ends by itself.'),
    labelled('Both are accepted for', overlap), error,
    h('div', { class: 'buttons' }, gated('Make the new key', SCOPE, make, { kind: 'primary' })));
  return { element, isOpen: () => isOpen };
}
