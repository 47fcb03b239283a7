// The switch that stops everything new.

import { get, path, put, remove } from './api.js';
import { confirm, labelled } from './dialogs.js';
import { fill, h, refresh } from './dom.js';
import { time } from './format.js';
import { gated } from './forms.js';
import { poll } from './polling.js';
import { may } from './session.js';

const SCOPE = 'admin:tenants';
const PAUSE = path('pause');
let look = () => {};

/** A banner that is there while everything is paused. */
export function pauseBanner({ signal }) {
  const said = h('div', { role: 'status' });
  const button = h('div', {});
  const banner = h('div', {});
  if (!may('admin:read')) return banner;
  const bar = h('div', {}, said, button);
  const status = poll(() => get(PAUSE, { signal }), (pause) => {
    fill(said, pause.paused ? h('p', {}, h('strong', {}, 'Everything is paused'), ' since ', time(pause.since), pause.by ? ` by ${pause.by}` : '',
        pause.reason ? `: ${pause.reason}` : '', '. New calls are refused with 503.') : null);
    refresh(button, pause.paused ? gated('Resume', SCOPE, resume) : null);
    bar.classList.toggle('banner', pause.paused);
  }, { signal, every: 15_000, isQuiet: true });
  fill(banner, bar, status);
  look = () => status.again();
  return banner;
}

/** A button that stops everything new, once it is confirmed. */
export const pauseButton = () => gated('Pause everything …', SCOPE, () => confirm({
  title: 'Pause everything', action: 'Pause', danger: true, type: 'pause',
  text: ['New executions and sandboxes of every tenant are refused with 503 until somebody resumes, at every gateway of this ledger.'],
  fields: [
    labelled('Reason', h('input', { name: 'reason', required: true, maxlength: '200' }), { hint: 'Callers are told it; it stands in the audit log and in the banner.' }),
    h('label', { class: 'check' }, h('input', { type: 'checkbox', name: 'end_running' }), 'End what is running, too'),
  ],
  act: async (form) => {
    await put(PAUSE, { reason: form.get('reason'), ...(form.get('end_running') ? { end_running: true } : {}) });
    look();
  },
  done: 'Everything is paused.',
}), { kind: 'danger quiet' });

const resume = () => confirm({
  title: 'Resume', text: 'New calls are taken again at once.', action: 'Resume',
  act: async () => {
    await remove(PAUSE);
    look();
  },
  done: 'Calls are taken again.',
});
