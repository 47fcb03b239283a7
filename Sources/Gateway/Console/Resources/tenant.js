// One tenant: what it uses, its keys, its limits, its subjects, and whether it lives.

import { get, path } from './api.js';
import { headroom, runtimeBars } from './bars.js';
import { creditBar, creditButton } from './credits.js';
import { fill, h, refresh } from './dom.js';
import { duration, moment, number, plural } from './format.js';
import { keysTab } from './keys.js';
import { limitsTab } from './limits.js';
import { poll } from './polling.js';
import { to } from './router.js';
import { subjectsTab } from './subjects.js';
import { suspensionNote } from './suspension.js';
import { facts } from './tables.js';
import { lifeTab } from './tenant-life.js';
import { recentRefusals } from './tenant-refusals.js';
import { badge } from './tenants.js';

const TABS = [['use', 'Use'], ['keys', 'Keys'], ['limits', 'Limits'], ['subjects', 'Subjects'], ['life', 'Life']];
const CONTENT = { use: useTab, keys: keysTab, limits: limitsTab, subjects: subjectsTab, life: lifeTab };

export const tenantPage = (tab) => async ({ tenant: name, query, signal }) => {
  const tenant = await get(path('tenants', name), { signal });
  const shows = [];
  const content = await CONTENT[tab]({ name, tenant, query, signal, whenSeen: (show) => shows.push(show) });
  return [...tenantHead(tenant, tab, { signal, onSeen: (seen) => { for (const show of shows) show(seen); } }), content];
};

/**
 * The name, how it stands, and the way to its other sides.
 *
 * - `onSeen`: is given the tenant whenever something of it has changed; this is asked for again while the page is there.
 */
export function tenantHead(tenant, tab, { signal, title = tenant.name, onSeen }) {
  const mark = h('div', { role: 'status' });
  const note = h('div', {});
  const show = (seen) => {
    fill(mark, badge(seen));
    fill(note, suspensionNote(seen));
    // An empty one would take up room.
    note.hidden = !note.firstChild;
  };
  show(tenant);
  const status = poll(() => get(path('tenants', tenant.name), { signal }), (seen) => {
    show(seen);
    onSeen?.(seen);
  }, { signal, known: tenant, isQuiet: true });
  return [
    h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' }, h('a', { href: '#/tenants' }, 'Tenants'),
      title === tenant.name ? null : [' / ', h('a', { href: to(['tenants', tenant.name, 'keys']) }, tenant.name)]),
    h('div', { class: 'title' }, h('h1', {}, title), mark), note, status,
    h('nav', { class: 'tabs', 'aria-label': `Sides of ${tenant.name}` }, h('ul', {}, TABS.map(([key, text]) => h('li', {}, h('a', {
      href: to(['tenants', tenant.name, ...(key === 'use' ? [] : [key])]), 'aria-current': key === tab ? 'page' : null,
    }, text))))),
  ];
}

function useTab({ name, tenant, signal }) {
  const place = h('div', {});
  const again = () => status.again();
  const status = poll(() => get(path('tenants', name, 'usage'), { signal }), ({ usage, credits, policy }) => {
    refresh(place, h('div', { class: 'panels' },
      h('section', { class: 'panel' }, h('h2', {}, 'Runtime'),
        usage.runtime.length > 0 ? runtimeBars(usage.runtime) : h('p', { class: 'muted' }, 'Not limited.'), credits.map((credit) => creditBar(name, credit, again))),
      h('section', { class: 'panel' }, h('h2', {}, 'At once'),
        headroom({ label: 'Executions', used: usage.executions.running, limit: usage.executions.limit }),
        headroom({ label: 'Sandboxes', used: usage.sandboxes.running, limit: usage.sandboxes.limit }),
        headroom({ label: 'Requests from the burst', used: Math.max(0, usage.rate.burst - usage.rate.remaining), limit: usage.rate.burst })),
      h('section', { class: 'panel' }, h('h2', {}, 'About'), facts([
        ['Made', moment(tenant.created_at)],
        ['Longest execution', duration(policy.timeout_seconds * 1000)],
        ['Templates', policy.templates.join(', ')],
        policy.guaranteed_sandboxes > 0 && ['Guaranteed', plural(policy.guaranteed_sandboxes, 'sandbox', 'sandboxes')],
        policy.shadow && ['Shadow', 'The limits only judge; nothing is refused.'],
        policy.signed_only && ['Signed only', 'Only signed requests are accepted.'],
      ]))));
  }, { signal, place });
  return [h('div', { class: 'toolbar' }, creditButton(name, again), status), place, recentRefusals({ name, signal })];
}
