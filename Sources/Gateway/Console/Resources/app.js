// Where the console begins: who is signed in, then the place that the address names.

import { whenSessionIsOver } from './api.js';
import { fill, h } from './dom.js';
import { go, route, showPlace } from './router.js';
import { forget, lookUp, who } from './session.js';
import { drawShell, leave, showPage } from './shell.js';
import { signInPage } from './sign-in.js';
import { failed } from './states.js';
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
  drawShell(app, { onSignedOut: () => ask(), isEntered });
  showPlace();
}

/** Asks for a token; then the same place again. */
function ask(reason) {
  leave();
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  forget();
  signInPage(app, { reason, onSignedIn: () => enter(true) });
}

async function begin() {
  try {
    if (await lookUp()) enter(false);
    else ask();
  } catch (error) {
    fill(app, h('main', { class: 'sign-in' }, h('h1', {}, 'e2b-gateway'), failed(error, begin)));
    setTimeout(begin, 5000);
  }
}

whenSessionIsOver(() => {
  if (who()) ask('Your session is over. Sign in again to come back to where you were.');
});
route(routes, (found) => { if (who()) found ? showPage(found) : go('#/'); });
begin();
