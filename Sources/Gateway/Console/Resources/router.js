// Places in the console: what stands behind the `#`. The back button, links and bookmarks work by themselves.

let routes = [];
let show = () => {};

/** A place: its path and its query. */
export function place() {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
  return { path: path || '/', query: new URLSearchParams(query) };
}

/** The address of a place; names in it may hold anything. */
export function to(parts, query = {}) {
  const path = `#/${parts.map(encodeURIComponent).join('/')}`;
  const entries = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`;
}

export function go(address) {
  if (location.hash === address) show(found());
  else location.hash = address;
}

/** Sees to it that every move shows its page. A pattern is a list of words; `:name` takes anything. */
export function route(table, action) {
  routes = table;
  show = action;
  addEventListener('hashchange', () => show(found()));
}

export const showPlace = () => show(found());

function found() {
  const { path, query } = place();
  const parts = path.split('/').filter(Boolean).map(decoded);
  for (const { pattern, page, section } of routes) {
    const values = matched(pattern, parts);
    if (values) return { page, section, values, query };
  }
  return null;
}

function decoded(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

function matched(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const values = {};
  for (const [index, word] of pattern.entries()) {
    if (word.startsWith(':')) values[word.slice(1)] = parts[index];
    else if (word !== parts[index]) return null;
  }
  return values;
}
