// What is shown stays true: it is asked for again every few seconds while somebody can see it.

import { h } from './dom.js';
import { GatewayAway } from './api.js';
import { distance, retell } from './format.js';
import { explained, failed, loading } from './states.js';

const LONGEST_WAIT = 30_000;

// What somebody reaches for does not move: nothing is drawn while a question is open or a pointer is down.
let isPointed = false;
addEventListener('pointerdown', () => { isPointed = true; }, { passive: true, capture: true });
for (const kind of ['pointerup', 'pointercancel', 'dragend']) {
  addEventListener(kind, () => { isPointed = false; }, { passive: true, capture: true });
}
const isHeldBack = () => isPointed || document.querySelector('dialog[open]') !== null;

/**
 * Loads now and every so often, and has `render` show what came.
 *
 * - `signal`: ends it, as the page goes.
 * - `every`: milliseconds between two looks.
 * - `place`: the element in which the first look is told of, as it goes on or fails.
 * - `isQuiet`: whether it says something only when it fails.
 * - `known`: what is shown already, where it is; the first look is then the next.
 *
 * Returns an element that says how old it is, with a method `again` for when something was changed.
 */
export function poll(load, render, { signal, every = 5000, place, isQuiet = false, known }) {
  const words = h('span', {});
  // Said once, and not with every second that it lasts.
  const alarm = h('span', { class: 'hidden', role: 'status' });
  const status = h('p', { class: 'freshness muted', hidden: isQuiet }, words, alarm);
  let shown = known ? JSON.stringify(known) : null;
  let waiting = null;
  let updatedAt = known ? Date.now() : null;
  let failures = 0;
  let timer = null;
  let turn = 0;

  const tell = () => {
    if (failures === 0 && updatedAt) words.textContent = `Updated ${distance(updatedAt)}`;
  };
  /** Draws what came, if it says something new, as soon as that disturbs nobody. */
  const draw = () => {
    if (!waiting || isHeldBack()) return;
    const { value, text } = waiting;
    waiting = null;
    if (text === shown) return;
    shown = text;
    render(value);
  };
  const clock = setInterval(() => { tell(); draw(); retell(document); }, 1000);
  const onClosed = () => setTimeout(() => { if (!signal.aborted) draw(); });
  document.addEventListener('close', onClosed, true);

  function warn(isFailing, text) {
    status.classList.toggle('failing', isFailing);
    status.hidden = isQuiet && !isFailing;
    alarm.textContent = isFailing ? 'What is shown may be out of date.' : '';
    if (text) words.textContent = text;
  }

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
      waiting = { value, text: JSON.stringify(value) };
      warn(false);
      draw();
      tell();
    } catch (error) {
      if (signal.aborted || mine !== turn || error.name === 'AbortError') return;
      failures += 1;
      wait = Math.min(LONGEST_WAIT, 1000 * 2 ** Math.min(failures, 5));
      if (!updatedAt && place) place.replaceChildren(failed(error, look));
      warn(true, error instanceof GatewayAway ? `The gateway does not answer; trying again in ${wait / 1000} s` : explained(error));
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
    document.removeEventListener('close', onClosed, true);
    document.removeEventListener('visibilitychange', onVisible);
  });
  if (place && !place.firstChild) place.replaceChildren(loading());
  if (known) timer = setTimeout(look, every);
  else look();
  status.again = () => {
    shown = null;
    return look();
  };
  return status;
}
