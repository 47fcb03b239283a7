// The administrators' API, called with the cookie of the session.

/** A refusal, as the gateway's problem document tells it. */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail ?? document.title ?? `The gateway answered ${status}.`);
    this.status = status;
    this.type = (document.type ?? '').replace('/problems/', '');
    this.title = document.title ?? `Status ${status}`;
    this.requestID = document.request_id;
    this.retryAfter = document.retry_after_ms;
  }
}

/** Nobody answered: the gateway restarts, or the network is down. */
export class GatewayAway extends Error {
  constructor() { super('The gateway does not answer.'); }
}

let csrfToken = '';
let onSessionOver = () => {};
let onCrossSite = async () => false;
let touchedAt = Date.now();

/** What every change carries to show that this page made it. */
export function useSession(token) { csrfToken = token; }

/** Called when the gateway says that nobody is signed in any more, with whether that befell a change. */
export function whenSessionIsOver(action) { onSessionOver = action; }

/** Called when a change is held for another page's; resolves with whether to send it once more. */
export function whenChangeIsForeign(action) { onCrossSite = action; }

// A page that nobody touches keeps nobody signed in.
for (const kind of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'focus']) {
  addEventListener(kind, () => { touchedAt = Date.now(); }, { passive: true, capture: true });
}
const isAttended = () => document.visibilityState === 'visible' && Date.now() - touchedAt < 60_000;

const PATIENCE = 30_000;
/** For what takes as long as there are records. */
export const LONG = 300_000;

/**
 * Calls, and returns status, body and headers of what is no refusal.
 *
 * - `patience`: milliseconds after which nobody is taken to answer.
 */
export async function call(method, path, options = {}) {
  try {
    return await once(method, path, options);
  } catch (error) {
    // The cookie is another window's by now, and so is what it wants to be shown.
    if (method === 'GET' || error.type !== 'cross-site' || (method === 'POST' && path === '/console/session') || !await onCrossSite()) throw error;
    return once(method, path, options);
  }
}

async function once(method, path, { body, headers = {}, signal, patience = PATIENCE }) {
  const fields = { Accept: 'application/json', ...headers };
  if (method !== 'GET') fields['X-CSRF-Token'] = csrfToken;
  if (body !== undefined) fields['Content-Type'] = 'application/json';
  if (!isAttended()) fields['Console-Background'] = 'true';
  let response;
  let text;
  try {
    response = await fetch(path, {
      method, headers: fields, body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.any([AbortSignal.timeout(patience), ...(signal ? [signal] : [])]),
      credentials: 'same-origin', cache: 'no-store', redirect: 'error',
    });
    text = await response.text();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new GatewayAway();
  }
  const document = parsed(text);
  if (response.ok) return { status: response.status, body: document, headers: response.headers };
  // What stands before a gateway says so when nothing is behind it.
  if ([502, 503, 504].includes(response.status) && !document?.type) throw new GatewayAway();
  const problem = new Problem(response.status, document ?? {});
  if (response.status === 401 && path !== '/console/session') onSessionOver(method !== 'GET');
  throw problem;
}

function parsed(text) {
  try { return text === '' ? null : JSON.parse(text); } catch { return null; }
}

export const get = async (path, options) => (await call('GET', path, options)).body;
export const post = async (path, body = {}, options = {}) => (await call('POST', path, { body, ...options })).body;
export const put = async (path, body = {}) => (await call('PUT', path, { body })).body;
export const patch = async (path, body, options = {}) => (await call('PATCH', path, { body, ...options })).body;
export const remove = async (path) => (await call('DELETE', path)).body;

/** Creates: however often it is sent with the same key, there is one. */
export const create = (path, body, key) => post(path, body, { headers: { 'Idempotency-Key': key } });

/** Whether it is unknown if a change was made. */
export const isUnclear = (error) => error instanceof GatewayAway || error.status >= 500;

const MOST_PAGES = 50;

/** All elements of a list, page after page; `isCut` says that there are more than it takes. */
export async function list(path, { signal } = {}) {
  const elements = [];
  let next = withLimit(path);
  for (let page = 0; next && page < MOST_PAGES; page += 1) {
    const { body, headers } = await call('GET', next, { signal });
    elements.push(...body);
    next = /<([^>]+)>;\s*rel="next"/.exec(headers.get('Link') ?? '')?.[1];
    if (next) next = new URL(next, location.href).pathname + new URL(next, location.href).search;
  }
  elements.isCut = Boolean(next);
  return elements;
}

const withLimit = (path) => `${path}${path.includes('?') ? '&' : '?'}limit=1000`;

/** A path of names that may hold anything. */
export const path = (...parts) => `/admin/v1/${parts.map(encodeURIComponent).join('/')}`;
