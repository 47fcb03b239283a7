// One tenant: what it uses, its keys, its limits, its subjects, and whether it lives.

import { get, path } from './api.js';
import { headroom, runtimeBars } from './bars.js';
import { creditBar, creditButton } from './credits.js';
import { h, refresh } from './dom.js';
import { duration, moment, number, plural } from './format.js';
import { keysTab } from './keys.js';
import { limitsTab } from './limits.js';
import { poll } from './polling.js';
import { to } from './router.js';
import { subjectsTab } from './subjects.js';
import { facts } from './tables.js';
import { lifeTab } from './tenant-life.js';
import { recentRefusals } from './tenant-refusals.js';
import { badge } from './tenants.js';

const TABS = [['use', 'Use'], ['keys', 'Keys'], ['limits', 'Limits'], ['subjects', 'Subjects'], ['life', 'Life']];
const CONTENT = { use: useTab, keys: keysTab, limits: limitsTab, subjects: subjectsTab, life: lifeTab };

export const tenantPage = (tab) => async ({ tenant: name, query, signal }) => {
  const tenant = await get(path('tenants', name), { signal });
  return [...tenantHead(tenant, tab), await CONTENT[tab]({ name, tenant, query, signal })];
};

/** The name, and the way to its other sides. */
export function tenantHead(tenant, tab, title = tenant.name) {
  return [
    h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' }, h('a', { href: '#/tenants' }, 'Tenants'),
      title === tenant.name ? null : [' / ', h('a', { href: to(['tenants', tenant.name, 'keys']) }, tenant.name)]),
    h('div', { class: 'title' }, h('h1', {}, title), badge(tenant)),
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
