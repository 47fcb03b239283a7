// How much of a limit is taken: used, reserved, and what is left.

import { h } from './dom.js';
import { duration, number, time } from './format.js';

/** A bar that says in words what it shows. */
export function headroom({ label, used, reserved = 0, limit, unit = number, resetsAt, resets = 'resets', compact = false }) {
  const share = (value) => `${limit > 0 ? Math.min(100, (100 * value) / limit) : 100}%`;
  const taken = used + reserved;
  const level = limit > 0 && taken >= limit ? 'full' : limit > 0 && taken >= 0.8 * limit ? 'near' : 'free';
  const words = `${unit(used)}${reserved > 0 ? ` + ${unit(reserved)} reserved` : ''} of ${unit(limit)}`;
  const reset = resetsAt && h('span', { class: 'muted' }, `${resets} `, time(resetsAt));
  return h('div', { class: `headroom ${level}${compact ? ' compact' : ''}` },
    h('div', { class: 'headroom-words' }, h('span', {}, label), h('span', { class: 'figure' }, words,
      level === 'full' ? h('strong', {}, ' — used up') : null)),
    h('div', { class: 'bar', 'aria-hidden': 'true' },
      h('div', { class: 'used', style: { width: share(used) } }),
      h('div', { class: 'reserved', style: { width: share(Math.min(reserved, Math.max(0, limit - used))) } })),
    reset && h('div', { class: 'headroom-reset' }, reset));
}

/** The runtime windows of a usage report, shortest first. */
export const runtimeBars = (runtime, { compact = false } = {}) => runtime.map((window) => headroom({
  label: { hour: 'This hour', day: 'Today', month: 'This month' }[window.window] ?? window.window,
  used: window.used_ms, reserved: window.reserved_ms, limit: window.limit_ms, unit: duration, resetsAt: window.resets_at, compact,
}));

/** The share of its limits that is taken, of the one that is taken most: 0 to 1, for the order. */
export function tightest(usage) {
  const shares = usage.runtime.map((window) => (window.limit_ms > 0 ? (window.used_ms + window.reserved_ms) / window.limit_ms : 1));
  for (const atOnce of [usage.executions, usage.sandboxes]) if (atOnce.limit > 0) shares.push(atOnce.running / atOnce.limit);
  return Math.max(0, ...shares);
}
