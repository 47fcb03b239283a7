// All tenants, each with how much of its limits is taken.

import { list, path } from './api.js';
import { headroom, runtimeBars, tightest } from './bars.js';
import { confirm, labelled } from './dialogs.js';
import { fill, h } from './dom.js';
import { plural, time } from './format.js';
import { gated, search } from './forms.js';
import { poll } from './polling.js';
import { go, to } from './router.js';
import { empty } from './states.js';
import { suspensionNote } from './suspension.js';
import { table } from './tables.js';

export function tenantsPage({ query, signal }) {
  let tenants = [];
  let isCut = false;
  let wanted = query.get('q') ?? '';
  const place = h('div', {});
  const count = h('p', { class: 'muted', role: 'status' });
  const rows = table('Tenants', [
    { name: 'Tenant', sort: ({ name }) => name, cell: (tenant) => [h('a', { href: to(['tenants', tenant.name]) }, tenant.name), badge(tenant), suspensionNote(tenant)] },
    { name: 'Runtime', sort: ({ report }) => (report ? tightest(report.usage) : 0), greatestFirst: true, cell: ({ report }) => runtime(report) },
    { name: 'At once', cell: ({ report }) => atOnce(report) },
    { name: 'Made', sort: ({ created_at: at }) => at, cell: ({ created_at: at }) => time(at) },
  ], { key: ({ name }) => name, sorted: { name: 'Tenant', descending: false } });

  function show() {
    const found = tenants.filter(({ name }) => name.includes(wanted.toLowerCase()));
    count.textContent = wanted ? `${found.length} of ${plural(tenants.length, 'tenant')}` : plural(tenants.length, 'tenant');
    rows.show(found, !isCut);
    if (tenants.length === 0) {
      fill(place, empty('No tenants yet', 'A tenant is an app or a team that calls the gateway. Make one, then issue a key for it.', createButton()));
    } else if (found.length === 0) fill(place, empty('No tenant is called that', 'Search for a part of its name.'));
    else if (!rows.element.isConnected) fill(place, rows.element);
  }

  const load = async () => {
    const [all, reports] = await Promise.all([list(path('tenants'), { signal }), list(path('usage'), { signal })]);
    isCut = all.isCut || reports.isCut;
    const byName = new Map(reports.map((report) => [report.tenant, report]));
    return all.map((tenant) => ({ ...tenant, report: byName.get(tenant.name) }));
  };
  const status = poll(load, (value) => {
    tenants = value;
    show();
  }, { signal, every: 10_000, place });

  return [
    h('div', { class: 'title' }, h('h1', {}, 'Tenants'), h('a', { class: 'button', href: '#/default-limits' }, 'Limits of new tenants'), createButton()),
    h('div', { class: 'toolbar' }, search('Search tenants', (text) => {
      wanted = text;
      history.replaceState(null, '', to(['tenants'], { q: text }));
      show();
    }, wanted), count, status),
    place,
  ];
}

const createButton = () => gated('New tenant …', 'admin:tenants', async () => {
  const made = await confirm({
    title: 'New tenant', action: 'Create', text: 'It gets the default limits; change them afterwards.',
    fields: [labelled('Name', h('input', { name: 'name', required: true, autocomplete: 'off', spellcheck: 'false', autofocus: true, maxlength: '63', pattern: '[a-z0-9][a-z0-9\\-]*' }),
      { hint: 'Up to 63 of a–z, 0–9 and -, beginning with a letter or digit.' })],
    make: (form) => [path('tenants'), { name: form.get('name') }],
    done: ({ name }) => `The tenant ${name} is there. Issue a key for it next.`,
  });
  if (made) go(to(['tenants', made.name, 'keys']));
}, { kind: 'primary' });

export function badge(tenant) {
  if (tenant.disabled) return h('span', { class: 'badge bad' }, 'suspended');
  return tenant.report?.policy.shadow ? h('span', { class: 'badge' }, 'shadow') : null;
}

function runtime(report) {
  if (!report) return h('span', { class: 'muted' }, '–');
  return report.usage.runtime.length === 0 ? h('span', { class: 'muted' }, 'not limited') : runtimeBars(report.usage.runtime, { compact: true });
}

function atOnce(report) {
  if (!report) return h('span', { class: 'muted' }, '–');
  const { executions, sandboxes } = report.usage;
  return [headroom({ label: 'Executions', used: executions.running, limit: executions.limit, compact: true }),
    headroom({ label: 'Sandboxes', used: sandboxes.running, limit: sandboxes.limit, compact: true })];
}
