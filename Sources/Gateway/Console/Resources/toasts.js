// Short messages about what was done. The region is a status: screen readers say it without moving anybody.

import { h } from './dom.js';

const SHOWN_FOR = 8000;

/** What failed stays until somebody has read it. */
export function toast(text, kind = 'done') {
  const message = h('div', { class: `toast ${kind}` }, h('span', {}, text),
    h('button', { type: 'button', class: 'plain', 'aria-label': 'Dismiss', onclick: () => message.remove() }, '×'));
  document.getElementById('toasts').append(message);
  if (kind !== 'failed') setTimeout(() => message.remove(), SHOWN_FOR);
}
