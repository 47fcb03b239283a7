// What the calls of the last day would have met under other limits. The gateway replays them; nothing is changed.

import { LONG, path, post } from './api.js';
import { fill, h } from './dom.js';
import { duration, number, plural } from './format.js';
import { explained } from './states.js';
import { facts } from './tables.js';

const PAUSE = 600;

export function preview(name, signal) {
  const result = h('div', { role: 'status' });
  const element = h('section', { class: 'panel preview', 'aria-label': 'Preview' }, h('h2', {}, 'Preview'), result);
  let timer = null;
  let turn = 0;

  async function replay(change) {
    const mine = ++turn;
    try {
      const report = await post(path('tenants', name, 'simulation'), { ...change, days: 1 }, { signal, patience: LONG });
      if (mine === turn) fill(result, told(report));
    } catch (error) {
      if (mine === turn && error.name !== 'AbortError') fill(result, h('p', { class: 'error' }, explained(error)));
    }
  }

  const rest = () => fill(result, h('p', { class: 'muted' }, 'Change a limit to see what the calls of the last 24 hours would have met.'));
  rest();
  return {
    element,
    /** Shows what this change would do; null for none. */
    of(change) {
      clearTimeout(timer);
      turn += 1;
      if (!change) return rest();
      fill(result, h('p', { class: 'muted' }, 'Replaying the last 24 hours …'));
      timer = setTimeout(() => replay(change), PAUSE);
      return undefined;
    },
  };
}

function told(report) {
  if (report.calls === 0) return h('p', { class: 'muted' }, 'The tenant made no calls in the last 24 hours: nothing to try it on.');
  const reasons = Object.entries(report.refused).filter(([, count]) => count > 0);
  return [
    h('p', { class: 'verdict' }, report.refusals === 0 ? 'None of ' : [h('strong', {}, number(report.refusals)), ' of '], h('strong', {}, plural(report.calls, 'call')), ' of the last 24 hours would have been refused.'),
    facts([
      ...reasons.map(([limit, count]) => [`Refused by ${limit.replaceAll('_', ' ')}`, number(count)]),
      ['Refused at the time', number(report.refused_then)],
      ['Granted less time', number(report.lowered)], ['Cut off by that', number(report.cut_off)],
      ['Most at once', number(report.most_at_once)], ['Runtime charged', duration(report.charged_ms)],
    ]),
  ];
}
