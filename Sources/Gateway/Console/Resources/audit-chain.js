// Whether every record follows from the one before it. To find out takes as long as the log is, so it is asked for.

import { get, LONG, path } from './api.js';
import { fill, h } from './dom.js';
import { distance, number, plural } from './format.js';
import { gated } from './forms.js';
import { explained } from './states.js';

let last = null;

export function chainState({ signal }) {
  const result = h('div', { class: 'chain', role: 'status' });
  const show = () => {
    if (!last) return fill(result, h('span', { class: 'badge' }, 'not verified yet'), h('span', { class: 'muted' }, ' Verify the chain to know that nothing was changed or taken out.'));
    const { report, at } = last;
    return fill(result, h('span', { class: `badge ${report.intact ? 'good' : 'bad'}` }, report.intact ? 'the chain holds' : 'the chain is broken'), ' ',
      report.intact ? `${plural(report.verified, 'record')} and ${plural(report.checkpoints, 'checkpoint')} verified` : `at record ${number(report.sequence ?? 0)}: ${report.problem ?? report.fault}`,
      h('span', { class: 'muted' }, `, ${distance(at)}`), report.notes.map((note) => h('p', { class: 'hint' }, note)));
  };
  async function verify() {
    fill(result, h('span', { class: 'muted' }, 'Verifying …'));
    try {
      last = { report: await get(path('audit', 'verification'), { signal, patience: LONG }), at: Date.now() };
      show();
    } catch (error) {
      if (error.name !== 'AbortError') fill(result, h('span', { class: 'error' }, explained(error)));
    }
  }
  show();
  return h('section', { class: 'panel row', 'aria-label': 'The chain' }, result, gated('Verify the chain', 'admin:audit', verify));
}
