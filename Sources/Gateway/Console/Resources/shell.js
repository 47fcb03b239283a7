// What is around every page: where one can go, who is signed in, and whether everything is paused.

import { fill, h } from './dom.js';
import { who, signOut } from './session.js';
import { pauseBanner } from './pause.js';
import { explained, loading, failed } from './states.js';
import { toast } from './toasts.js';
import { moment } from './format.js';

const SECTIONS = [
  ['overview', '#/', 'Overview'], ['tenants', '#/tenants', 'Tenants'], ['sandboxes', '#/sandboxes', 'Live'],
  ['upstream', '#/upstream', 'Upstream'], ['audit', '#/audit', 'Audit'], ['administrators', '#/administrators', 'Administrators'], ['settings', '#/settings', 'Settings'],
];

let main = null;
let links = new Map();
let shellLife = new AbortController();
let pageLife = new AbortController();

/**
 * - `onStayed`: nobody could be signed out; everything is to be drawn anew.
 * - `isEntered`: whether somebody has just signed in, and reads the page from its heading on.
 */
export function drawShell(app, { onSignedOut, onStayed, isEntered }) {
  shellLife.abort();
  shellLife = new AbortController();
  main = h('main', { id: 'main', tabindex: '-1' });
  if (isEntered) main.dataset.shown = 'yes';
  links = new Map(SECTIONS.map(([section, address, name]) => [section, h('a', { href: address }, name)]));
  const menu = h('button', { type: 'button', class: 'menu', 'aria-expanded': 'false', 'aria-controls': 'places' }, 'Menu');
  const nav = h('nav', { id: 'places', 'aria-label': 'Places' }, h('ul', {}, [...links.values()].map((link) => h('li', {}, link))));
  const open = (isOpen) => {
    menu.setAttribute('aria-expanded', String(isOpen));
    nav.classList.toggle('open', isOpen);
  };
  menu.addEventListener('click', () => open(menu.getAttribute('aria-expanded') !== 'true'));
  nav.addEventListener('click', () => open(false));
  fill(app,
    h('a', { class: 'skip', href: '#main', onclick: (event) => { event.preventDefault(); main.focus(); } }, 'Skip to the content'),
    h('header', { class: 'top' }, h('a', { class: 'brand', href: '#/' }, h('span', { class: 'mark', 'aria-hidden': 'true' }), 'e2b-gateway'), menu, nav,
      h('div', { class: 'person' }, person({ onSignedOut, onStayed }))),
    h('div', { id: 'banner' }, pauseBanner({ signal: shellLife.signal })), main);
}

function person({ onSignedOut, onStayed }) {
  const { name, scopes, expires_at: expiresAt } = who();
  const dropdown = h('details', { class: 'dropdown' }, h('summary', { 'aria-label': `Signed in as ${name}` }, name),
    h('div', { class: 'dropdown-content' },
      h('p', {}, 'Signed in as ', h('strong', {}, name)),
      h('p', { class: 'hint' }, 'until ', moment(expiresAt)),
      h('p', { class: 'hint' }, 'May: ', scopes.map((scope) => [h('code', {}, scope.replace('admin:', '')), ' '])),
      themeSwitch(),
      h('button', {
        type: 'button',
        onclick: async () => {
          // What asks again by itself would be refused.
          leave();
          try {
            await signOut();
            onSignedOut();
          } catch (error) {
            if (who()) onStayed();
            toast(explained(error), 'failed');
          }
        },
      }, 'Sign out')));
  const { signal } = shellLife;
  const close = () => { dropdown.open = false; };
  addEventListener('hashchange', close, { signal });
  document.addEventListener('click', (event) => { if (!dropdown.contains(event.target)) close(); }, { signal });
  dropdown.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    close();
    dropdown.querySelector('summary').focus();
  });
  return dropdown;
}

function themeSwitch() {
  const looks = ['system', 'light', 'dark'];
  const button = h('button', { type: 'button' });
  const tell = () => { button.textContent = `Look: ${document.documentElement.dataset.theme ?? 'system'}`; };
  button.addEventListener('click', () => {
    const next = looks[(looks.indexOf(document.documentElement.dataset.theme ?? 'system') + 1) % looks.length];
    if (next === 'system') {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem('theme');
    } else {
      document.documentElement.dataset.theme = next;
      localStorage.setItem('theme', next);
    }
    tell();
  });
  tell();
  return button;
}

/** Ends all that goes on by itself. */
export function leave() {
  shellLife.abort();
  pageLife.abort();
}

/** Ends the page that is there and shows the one found. */
export async function showPage(found) {
  pageLife.abort();
  pageLife = new AbortController();
  const { signal } = pageLife;
  for (const [section, link] of links) {
    if (section === found.section) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  fill(main, loading());
  try {
    const page = await found.page({ ...found.values, query: found.query, signal });
    if (signal.aborted) return;
    fill(main, page);
  } catch (error) {
    if (signal.aborted || error.name === 'AbortError') return;
    fill(main, h('h1', { tabindex: '-1' }, 'This page cannot be shown'), failed(error, () => showPage(found)));
  }
  const heading = main.querySelector('h1');
  heading?.setAttribute('tabindex', '-1');
  document.title = `${heading?.textContent ?? 'Console'} · e2b-gateway`;
  if (main.dataset.shown) heading?.focus({ preventScroll: true });
  main.dataset.shown = 'yes';
  scrollTo(0, 0);
}
