// What runs now, of all tenants, and the way to end it.

import { list, path, remove } from './api.js';
import { confirm } from './dialogs.js';
import { fill, h } from './dom.js';
import { duration, plural, time } from './format.js';
import { choice, gated, readOnly, search } from './forms.js';
import { poll } from './polling.js';
import { to } from './router.js';
import { empty } from './states.js';
import { table } from './tables.js';

const SCOPE = 'admin:tenants';

export function sandboxesPage({ query, signal }) {
  const place = h('div', {});
  const count = h('p', { class: 'muted', role: 'status' });
  let [all, tenant, kind] = [[], query.get('tenant') ?? '', query.get('kind') ?? ''];
  const rows = table('What is running', [
    { name: 'What', sort: (each) => each.kind, cell: (each) => [h('code', {}, each.id), ' ', h('span', { class: 'badge' }, each.kind)] },
    { name: 'Tenant', sort: (each) => each.tenant ?? '', cell: owner },
    { name: 'Subject', cell: (each) => each.subject ?? '–' },
    { name: 'Template', cell: (each) => each.template },
    { name: 'State', sort: (each) => each.state, cell: (each) => each.state },
    { name: 'Since', sort: (each) => each.started_at ?? '', cell: (each) => time(each.started_at, 'not yet') },
    { name: 'Ends', sort: (each) => each.ends_at ?? '', cell: (each) => time(each.ends_at, '–') },
    { name: 'Runtime', numeric: true, sort: (each) => each.runtime_ms, cell: (each) => duration(each.runtime_ms ?? 0) },
    { name: 'Actions', actions: true, cell: (each) => each.kind !== 'stray' && gated('Kill …', SCOPE, () => kill(each), { kind: 'danger quiet' }) },
  ], { key: ({ id }) => id, sorted: { name: 'Since', descending: true } });

  function show() {
    const found = all.filter((each) => (each.tenant ?? '').includes(tenant) && (kind === '' || each.kind === kind));
    count.textContent = found.length === all.length ? `${plural(all.length, 'thing')} running` : `${found.length} of ${all.length} running`;
    if (found.length === 0) {
      fill(place, all.length === 0 ? empty('Nothing is running', 'Executions and tenants’ own sandboxes stand here while they live.')
        : empty('Nothing of that is running', 'Search for another tenant, or show everything.'));
    } else if (!rows.element.isConnected) fill(place, rows.element);
    rows.show(found, !all.isCut);
  }

  const status = poll(() => list(path('sandboxes'), { signal }), (running) => {
    all = running;
    show();
  }, { signal, every: 3000, place });

  const kill = async (each) => {
    const text = `${each.kind === 'execution' ? 'The execution' : 'The sandbox'} ${each.id} of ${each.tenant} is ended at once. What it had used is charged.`;
    await confirm({ title: 'Kill', text, action: 'Kill', danger: true, act: () => remove(path('sandboxes', each.id)), done: `${each.id} is ended.` });
    status.again();
  };

  const filter = (change) => {
    change();
    history.replaceState(null, '', to(['sandboxes'], { tenant, kind }));
    show();
  };
  return [
    h('div', { class: 'title' }, h('h1', {}, 'Live')), readOnly(SCOPE),
    h('div', { class: 'toolbar' }, search('Search tenants', (text) => filter(() => { tenant = text; }), tenant),
      choice([['', 'Everything'], ['execution', 'Executions'], ['sandbox', 'Sandboxes'], ['stray', 'Strays, being destroyed']], kind,
        { 'aria-label': 'Kind', onchange: (event) => filter(() => { kind = event.target.value; }) }), count, status),
    place,
  ];
}

/** Whose it is; of one that was deleted without a link, which would lead to whoever is called the same now. */
function owner({ tenant, tenant_deleted_at: deletedAt }) {
  if (!tenant) return '–';
  return deletedAt ? `${tenant} (deleted)` : h('a', { href: to(['tenants', tenant]) }, tenant);
}
