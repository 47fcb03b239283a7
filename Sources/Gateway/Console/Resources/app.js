// Where the console begins: who is signed in, then the place that the address names.

import { Problem, whenChangeIsForeign, whenSessionIsOver } from './api.js';
import { closeDialogs } from './dialogs.js';
import { fill, h } from './dom.js';
import { route, showPlace } from './router.js';
import { forget, lookUp, who } from './session.js';
import { drawShell, leave, showPage } from './shell.js';
import { signInPage } from './sign-in.js';
import { explained, failed } from './states.js';
import { administratorsPage } from './administrators.js';
import { auditPage } from './audit.js';
import { defaultLimitsPage } from './limits.js';
import { overviewPage } from './overview.js';
import { rotationPage } from './rotation.js';
import { sandboxesPage } from './sandboxes.js';
import { settingsPage } from './settings.js';
import { tenantPage } from './tenant.js';
import { tenantsPage } from './tenants.js';
import { upstreamPage } from './upstream.js';

const routes = [
  { pattern: [], section: 'overview', page: overviewPage },
  { pattern: ['tenants'], section: 'tenants', page: tenantsPage },
  { pattern: ['tenants', ':tenant'], section: 'tenants', page: tenantPage('use') },
  { pattern: ['tenants', ':tenant', 'keys'], section: 'tenants', page: tenantPage('keys') },
  { pattern: ['tenants', ':tenant', 'keys', ':key', 'rotation'], section: 'tenants', page: rotationPage },
  { pattern: ['tenants', ':tenant', 'limits'], section: 'tenants', page: tenantPage('limits') },
  { pattern: ['tenants', ':tenant', 'subjects'], section: 'tenants', page: tenantPage('subjects') },
  { pattern: ['tenants', ':tenant', 'life'], section: 'tenants', page: tenantPage('life') },
  { pattern: ['default-limits'], section: 'tenants', page: defaultLimitsPage },
  { pattern: ['administrators'], section: 'administrators', page: administratorsPage },
  { pattern: ['sandboxes'], section: 'sandboxes', page: sandboxesPage },
  { pattern: ['upstream'], section: 'upstream', page: upstreamPage },
  { pattern: ['audit'], section: 'audit', page: auditPage },
  { pattern: ['settings'], section: 'settings', page: settingsPage },
];

const app = document.getElementById('app');

function enter(isEntered) {
  drawShell(app, { onSignedOut: () => ask(), onStayed: () => enter(false), isEntered });
  showPlace();
}

/** Asks for a token; then the same place again. A token that is shown stays until somebody has it. */
function ask(reason) {
  leave();
  closeDialogs();
  forget();
  signInPage(app, { reason, onSignedIn: () => enter(true) });
}

let retry = null;

async function begin() {
  clearTimeout(retry);
  try {
    if (await lookUp()) enter(false);
    else ask();
  } catch (error) {
    // Whom the door refuses may show another token.
    if (error instanceof Problem && error.status < 500) return ask(explained(error));
    fill(app, h('main', { class: 'sign-in' }, h('h1', {}, 'e2b-gateway'), failed(error, begin)));
    retry = setTimeout(begin, 5000);
  }
}

whenSessionIsOver((isChange) => {
  if (who()) ask(`Your session is over${isChange ? ', and what you pressed was not done' : ''}. Sign in again to come back to where you were.`);
});
// Another window of this browser signed out and in.
whenChangeIsForeign(async () => {
  const before = who()?.name;
  const now = await lookUp();
  if (now?.name === before) return Boolean(now);
  if (!now) {
    ask('You signed out in another window, and what you pressed was not done.');
    throw Object.assign(new Error('You signed out in another window.'), { status: 401 });
  }
  enter(false);
  throw new Error(`You are now ${now.name}: another window signed in. What you pressed was not done.`);
});
route(routes, (found) => { if (who()) found ? showPage(found) : location.replace('#/'); });
begin();
