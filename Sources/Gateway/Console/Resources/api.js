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
let touchedAt = Date.now();

/** What every change carries to show that this page made it. */
export function useSession(token) { csrfToken = token; }

/** Called once when the gateway says that nobody is signed in any more. */
export function whenSessionIsOver(action) { onSessionOver = action; }

// A page that nobody touches keeps nobody signed in.
for (const kind of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'focus']) {
  addEventListener(kind, () => { touchedAt = Date.now(); }, { passive: true, capture: true });
}
const isAttended = () => document.visibilityState === 'visible' && Date.now() - touchedAt < 60_000;

/** Calls, and returns status, body and headers of what is no refusal; 304 included. */
export async function call(method, path, { body, headers = {}, signal } = {}) {
  const fields = { Accept: 'application/json', ...headers };
  if (method !== 'GET') fields['X-CSRF-Token'] = csrfToken;
  if (body !== undefined) fields['Content-Type'] = 'application/json';
  if (!isAttended()) fields['Console-Background'] = 'true';
  let response;
  let text;
  try {
    response = await fetch(path, {
      method, headers: fields, body: body === undefined ? undefined : JSON.stringify(body), signal,
      credentials: 'same-origin', cache: 'no-store', redirect: 'error',
    });
    text = await response.text();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new GatewayAway();
  }
  const document = parsed(text);
  if (response.ok || response.status === 304) return { status: response.status, body: document, headers: response.headers };
  // What stands before a gateway says so when nothing is behind it.
  if ([502, 503, 504].includes(response.status) && !document?.type) throw new GatewayAway();
  const problem = new Problem(response.status, document ?? {});
  if (response.status === 401 && path !== '/console/session') onSessionOver();
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

/** Creates: however often it is sent, there is one. */
export const create = (path, body = {}) => post(path, body, { headers: { 'Idempotency-Key': crypto.randomUUID() } });

const MOST_PAGES = 50;

/** All elements of a list, page after page. */
export async function list(path, { signal } = {}) {
  const elements = [];
  let next = withLimit(path);
  for (let page = 0; next && page < MOST_PAGES; page += 1) {
    const { body, headers } = await call('GET', next, { signal });
    elements.push(...body);
    next = /<([^>]+)>;\s*rel="next"/.exec(headers.get('Link') ?? '')?.[1];
    if (next) next = new URL(next, location.href).pathname + new URL(next, location.href).search;
  }
  return elements;
}

const withLimit = (path) => `${path}${path.includes('?') ? '&' : '?'}limit=1000`;

/** A path of names that may hold anything. */
export const path = (...parts) => `/admin/v1/${parts.map(encodeURIComponent).join('/')}`;
