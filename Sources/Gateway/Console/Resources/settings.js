// The settings in force, and where each comes from.

import { get, path } from './api.js';
import { fill, h } from './dom.js';
import { plural } from './format.js';
import { search } from './forms.js';
import { empty, failed } from './states.js';
import { table } from './tables.js';

export async function settingsPage({ query, signal }) {
  const place = h('div', {});
  const count = h('p', { class: 'muted', role: 'status' });
  let [settings, wanted] = [[], query.get('q') ?? ''];
  const rows = table('Settings', [
    { name: 'Name', sort: ({ name }) => name, cell: ({ name }) => h('code', {}, name) },
    { name: 'Value', cell: (setting) => value(setting) },
    { name: 'From', sort: ({ source }) => source, cell: ({ source }) => source },
  ], { key: ({ name }) => name, sorted: { name: 'Name', descending: false } });

  function show() {
    const found = settings.filter(({ name, source }) => `${name} ${source}`.toLowerCase().includes(wanted.toLowerCase()));
    count.textContent = `${found.length} of ${plural(settings.length, 'setting')}`;
    rows.show(found);
    fill(place, found.length > 0 ? rows.element : empty('No such setting', 'Search for a part of its name, or of where it comes from.'));
  }

  async function load() {
    try {
      settings = await get(path('settings'), { signal });
      show();
    } catch (error) {
      if (!signal.aborted) fill(place, failed(error, load));
    }
  }
  await load();
  return [
    h('div', { class: 'title' }, h('h1', {}, 'Settings')),
    h('p', { class: 'lead' }, 'As this gateway has them since it started. They are changed in its environment, ', h('code', {}, '.env.local'), ' or its settings file; then it is started anew.'),
    h('div', { class: 'toolbar' }, search('Search settings', (text) => { wanted = text; show(); }, wanted), count), place,
  ];
}

function value({ value: text, is_secret: isSecret, is_set: isSet }) {
  if (isSecret) return h('span', { class: 'muted' }, isSet ? 'set, not shown' : 'not set');
  return text === null || text === undefined || text === '' ? h('span', { class: 'muted' }, 'not set') : h('code', { class: 'wrap' }, String(text));
}
