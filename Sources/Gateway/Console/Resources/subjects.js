// A tenant's end users: what each consumed this month, and how its share stands.

import { get, path } from './api.js';
import { headroom, runtimeBars } from './bars.js';
import { labelled } from './dialogs.js';
import { fill, h } from './dom.js';
import { duration, number } from './format.js';
import { empty, explained, failed } from './states.js';
import { table } from './tables.js';

export function subjectsTab({ name, signal }) {
  const consumed = h('div', {});
  const rows = table(`Subjects of ${name}`, [
    { name: 'Subject', sort: ({ subject }) => subject ?? '', cell: ({ subject }) => subject ?? h('span', { class: 'muted' }, 'none named') },
    { name: 'Executions', numeric: true, sort: (row) => row.executions, cell: (row) => number(row.executions) },
    { name: 'Runtime', numeric: true, sort: (row) => row.charged_ms, cell: (row) => duration(row.charged_ms) },
    { name: 'From credits', numeric: true, cell: (row) => duration(row.credit_ms) },
  ], { sorted: { name: 'Runtime', descending: true } });

  async function load() {
    try {
      const query = new URLSearchParams({ tenant: name, by: 'subject', limit: '200' });
      const { rows: found, truncated } = await get(`${path('consumption')}?${query}`, { signal });
      if (found.length === 0) return fill(consumed, empty('Nobody consumed anything this month', 'A token narrowed with --subject says on whose behalf it calls.'));
      rows.show(found);
      return fill(consumed, rows.element, truncated && h('p', { class: 'muted' }, 'The 200 with the most runtime are shown.'));
    } catch (error) {
      return signal.aborted ? undefined : fill(consumed, failed(error, load));
    }
  }
  load();
  return h('div', { class: 'panels wide-first' }, h('section', {}, h('h2', {}, 'This month'), consumed), share(name, signal));
}

function share(name, signal) {
  const result = h('div', { role: 'status' });
  const subject = h('input', { name: 'subject', autocomplete: 'off', spellcheck: 'false' });
  return h('section', { class: 'panel' }, h('h2', {}, 'One subject’s share'), h('form', {
    onsubmit: async (event) => {
      event.preventDefault();
      try {
        const report = await get(`${path('tenants', name, 'usage')}?subject=${encodeURIComponent(subject.value)}`, { signal });
        fill(result, report.subject ? standing(report.subject) : h('p', { class: 'muted' }, 'The limits of this tenant do not divide it among subjects.'));
      } catch (error) {
        fill(result, h('p', { class: 'error' }, explained(error)));
      }
    },
  }, labelled('Subject', subject, { hint: 'Exactly as calls name it; empty for calls that name none.' }),
  h('div', { class: 'buttons' }, h('button', { type: 'submit' }, 'Look'))), result);
}

function standing({ executions, rate, runtime }) {
  return [
    executions.limit ? headroom({ label: 'Executions', used: executions.running, limit: executions.limit })
      : h('p', {}, `${number(executions.running)} executions are running.`),
    rate && headroom({ label: 'Requests from the burst', used: Math.max(0, rate.burst - rate.remaining), limit: rate.burst }),
    runtimeBars(runtime),
  ];
}
