// One key in place of another, without a call being lost: make the new one, hand it over, watch the old one fall silent, end it.

import { create, get, list, path } from './api.js';
import { labelled, showToken } from './dialogs.js';
import { h, refresh } from './dom.js';
import { distance, number, time } from './format.js';
import { choice, gated, readOnly } from './forms.js';
import { revoke, stateBadge } from './keys.js';
import { live } from './live.js';
import { go, to } from './router.js';
import { empty, explained } from './states.js';
import { tenantHead } from './tenant.js';

const SCOPE = 'admin:keys';
const OVERLAPS = [['3600', '1 hour'], ['86400', '1 day'], ['604800', '7 days'], ['2592000', '30 days']];
/** So long without a call, a key is taken to be silent. */
const QUIET = 10 * 60_000;

export async function rotationPage({ tenant: name, key: keyID, signal }) {
  const tenant = await get(path('tenants', name), { signal });
  const steps = h('ol', { class: 'steps' });
  const status = live(() => list(`${path('keys')}?tenant=${encodeURIComponent(name)}`, { signal }), (keys) => {
    const old = keys.find(({ key_id: id }) => id === keyID);
    if (!old) return refresh(steps, empty('There is no such key', 'It may belong to another tenant.'));
    const successor = keys.find(({ key_id: id }) => id === old.successor);
    // What is being filled in is not made anew under somebody's hands.
    if (!old.successor && steps.contains(begin)) return undefined;
    return refresh(steps, begun(old, successor), watched(old, successor), ended(old));
  }, { signal, every: 3000, place: steps });

  const begin = beginning(name, keyID, () => { begin.remove(); status.again(); });

  function begun(old, successor) {
    if (!old.successor) return old.state === 'active' ? begin : h('li', {}, h('h2', {}, 'New key'), h('p', {}, `This key is ${old.state}; it cannot be rotated.`));
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
        ? 'Nobody has called with it for a while: it can go now.' : 'Calls with it are refused from then on, or from when you end it.'),
      gated('End the old key now …', SCOPE, async () => {
        if (await revoke(old)) go(to(['tenants', name, 'keys']));
      }, { kind: quiet(old) ? 'primary' : 'danger quiet' }));
  }

  return [...tenantHead(tenant, 'keys', `Rotate ${keyID}`), readOnly(SCOPE), h('div', { class: 'toolbar' }, status), steps];
}

const quiet = (key) => !key.last_used_at || Date.now() - new Date(key.last_used_at) > QUIET;

const traffic = (title, key) => h('section', { class: 'panel' }, h('h3', {}, title), h('p', {}, h('code', {}, key.key_id), ' ', stateBadge(key)),
  h('dl', { class: 'facts' }, [['Last used', key.last_used_at ? distance(key.last_used_at) : 'never'], ['Calls in the last hour', number(key.calls_last_hour)],
    ['Calls today', number(key.calls_today)]].map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value)))));

function beginning(name, keyID, onMade) {
  const error = h('p', { class: 'error', role: 'alert' });
  const overlap = choice(OVERLAPS, '86400', { name: 'overlap' });
  return h('li', { class: 'now' }, h('h2', {}, 'Make the new key'),
    h('p', {}, 'Both keys are accepted for as long as you say; then the old one ends by itself.'),
    labelled('Both are accepted for', overlap), error,
    h('div', { class: 'buttons' }, gated('Make the new key', SCOPE, async (event) => {
      event.currentTarget.disabled = true;
      const button = event.currentTarget;
      try {
        const issued = await create(path('keys', keyID, 'rotation'), { overlap_seconds: Number(overlap.value) });
        await showToken(`New key of ${name}`, issued.token, `Key id ${issued.key_id}. Put it in place of ${keyID}.`);
        onMade();
      } catch (failure) {
        error.textContent = explained(failure);
        button.disabled = false;
      }
    }, { kind: 'primary' })));
}
