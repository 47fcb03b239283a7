// Whether every record follows from the one before it. To find out takes as long as the log is, so it is asked for. How far the log
// is signed, and who has yet to take it, stands there at once.

import { get, LONG, path } from './api.js';
import { fill, h } from './dom.js';
import { distance, number, plural, time } from './format.js';
import { gated } from './forms.js';
import { explained } from './states.js';

let last = null;

export function chainState({ signal }) {
  const result = h('div', { class: 'chain', role: 'status' });
  const standing = h('div', {});
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
  async function look() {
    try {
      const { audit } = await get(path('overview'), { signal });
      fill(standing, signed(audit), audit.sinks.filter(({ up, behind }) => !up || behind > 0).map(late));
    } catch (error) {
      if (error.name !== 'AbortError') fill(standing, h('p', { class: 'error' }, explained(error)));
    }
  }
  show();
  look();
  return h('section', { class: 'panel row', 'aria-label': 'The chain' }, h('div', {}, result, standing), gated('Verify the chain', 'admin:audit', verify));
}

function signed({ sequence, checkpoint }) {
  if (!checkpoint) return h('p', { class: 'hint' }, 'No checkpoint is signed yet.');
  const since = Math.max(0, sequence - checkpoint.sequence);
  return h('p', { class: 'hint' }, `Signed up to record ${number(checkpoint.sequence)} by checkpoint ${number(checkpoint.number)}`,
    checkpoint.at ? [', ', time(checkpoint.at)] : null, since === 0 ? '; nothing is recorded since.' : `; ${plural(since, 'record')} since.`);
}

/** One to which the log is shipped and that does not have all of it. */
const late = ({ kind, destination, up, behind, last_failure: failure }) => h('p', { class: 'hint' },
  h('span', { class: `badge ${up ? 'warn' : 'bad'}` }, `${kind} ${up ? 'behind' : 'down'}`), ` ${destination}: ${plural(behind, 'record')} to take`,
  !up && failure ? `; ${failure}` : null);
