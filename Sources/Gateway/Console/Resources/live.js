// What is shown stays true: it is asked for again every few seconds while somebody can see it.

import { h } from './dom.js';
import { call, GatewayAway } from './api.js';
import { distance } from './format.js';
import { explained, failed } from './states.js';

const LONGEST_WAIT = 30_000;

/**
 * Loads now and every so often, and has `render` show what came.
 *
 * - `signal`: ends it, as the page goes.
 * - `every`: milliseconds between two looks.
 * - `place`: the element in which a failure of the first look is told.
 *
 * Returns an element that says how old it is, with a method `again` for when something was changed.
 */
export function live(load, render, { signal, every = 5000, place }) {
  const status = h('p', { class: 'freshness muted' });
  let updatedAt = null;
  let failures = 0;
  let timer = null;
  let turn = 0;

  const tell = () => {
    if (failures === 0 && updatedAt) status.textContent = `Updated ${distance(updatedAt)}`;
  };
  const clock = setInterval(tell, 1000);

  async function look() {
    clearTimeout(timer);
    if (signal.aborted) return;
    const mine = ++turn;
    let wait = every;
    try {
      const value = await load();
      if (signal.aborted || mine !== turn) return;
      failures = 0;
      updatedAt = Date.now();
      if (value !== undefined) render(value);
      tell();
    } catch (error) {
      if (signal.aborted || mine !== turn || error.name === 'AbortError') return;
      failures += 1;
      wait = Math.min(LONGEST_WAIT, 1000 * 2 ** Math.min(failures, 5));
      if (!updatedAt && place) place.replaceChildren(failed(error, look));
      status.textContent = error instanceof GatewayAway
        ? `The gateway does not answer; trying again in ${wait / 1000} s` : explained(error);
      // What was refused for good is not asked for again by itself.
      if (!(error instanceof GatewayAway) && error.status < 500 && error.status !== 429) return;
    }
    if (mine === turn && document.visibilityState === 'visible') timer = setTimeout(look, wait);
  }

  const onVisible = () => (document.visibilityState === 'visible' ? look() : clearTimeout(timer));
  document.addEventListener('visibilitychange', onVisible);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    clearInterval(clock);
    document.removeEventListener('visibilitychange', onVisible);
  });
  look();
  status.again = look;
  return status;
}

/** A load that asks only for what has changed since; undefined when nothing has. */
export function conditional(path, { signal }) {
  let tag = null;
  return async () => {
    const reply = await call('GET', path, { signal, headers: tag ? { 'If-None-Match': tag } : {} });
    tag = reply.headers.get('ETag');
    return reply.status === 304 ? undefined : reply.body;
  };
}
