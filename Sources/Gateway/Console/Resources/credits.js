// Runtime that is given once, beyond the windows.

import { path, remove } from './api.js';
import { headroom } from './bars.js';
import { confirm, labelled } from './dialogs.js';
import { h } from './dom.js';
import { duration } from './format.js';
import { gated } from './forms.js';

const SCOPE = 'admin:quotas';
const DAYS = 7;

/** What is left of a credit, and the way to take that back. */
export const creditBar = (tenant, credit, again) => h('div', { class: 'credit' }, headroom({
  label: `Credit ${credit.id}`, used: credit.used_ms, reserved: credit.reserved_ms, limit: credit.runtime_ms, unit: duration, resetsAt: credit.until, resets: 'ends',
}), gated('Withdraw …', SCOPE, async () => {
  const done = await confirm({
    title: 'Withdraw the credit', text: `What is left of ${credit.id} can be used no longer. What runs on it goes on.`, action: 'Withdraw', danger: true,
    act: () => remove(path('tenants', tenant, 'credits', credit.id)), done: 'The credit is withdrawn.',
  });
  if (done) again();
}, { kind: 'danger quiet' }));

export const creditButton = (tenant, again) => gated('Give a credit …', SCOPE, async () => {
  const until = new Date(Date.now() + DAYS * 86_400_000).toISOString().slice(0, 10);
  const done = await confirm({
    title: `Give ${tenant} a credit`, text: 'Runtime beyond its windows, once. It is used when a window is used up.', action: 'Give',
    fields: [
      labelled('Seconds', h('input', { name: 'seconds', inputmode: 'decimal', required: true, autofocus: true, autocomplete: 'off', pattern: '[0-9]+(\\.[0-9]+)?' })),
      labelled('Until', h('input', { type: 'date', name: 'until', required: true, value: until }), { hint: 'The first day, of UTC, on which it gives nothing any more.' }),
    ],
    make: (form) => [path('tenants', tenant, 'credits'), { runtime_seconds: Number(form.get('seconds')), until: `${form.get('until')}T00:00:00Z` }],
    done: ({ id }) => `The credit ${id} is given.`,
  });
  if (done) again();
});
