// Who is signed in, and what they may.

import { call, useSession } from './api.js';

let current = null;

/** The session there is, or null; asks the gateway. */
export async function lookUp() {
  try {
    const { status, body } = await call('GET', '/console/session');
    current = status === 200 ? body : null;
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    current = null;
  }
  useSession(current?.csrf_token ?? '');
  return current;
}

export async function signIn(token) {
  await call('POST', '/console/session', { body: { token } });
  if (await lookUp()) return;
  throw new Error('The browser did not keep the cookie: open the console over HTTPS, or at 127.0.0.1.');
}

export async function signOut() {
  try {
    await call('DELETE', '/console/session');
  } catch (problem) {
    // It was over already.
    if (problem.status !== 401) throw problem;
  }
  forget();
}

export function forget() {
  current = null;
  useSession('');
}

export const who = () => current;

/** Whether the session allows what needs this scope. The gateway decides; this is for what is offered. */
export const may = (scope) => current?.scopes.includes(scope) ?? false;
