// oidc-provider with people: its interactions show a login page and a consent page, and it
// remembers to whom they gave consent.
//
// The settings are one JSON text in the first argument. The first line on standard output tells
// the origins. Every request goes into the log before it is answered, one with a body once that
// has come. Everything ends when standard input is closed, so that nothing outlives the test that
// started it.

import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { Provider } from 'oidc-provider';

const settings = JSON.parse(process.argv.at(-1));
process.stdin.resume().on('end', () => process.exit());

const listener = createServer();
await new Promise((resolve, reject) => {
  listener.once('error', reject).listen(0, '127.0.0.1', resolve);
});
const origin = `http://127.0.0.1:${listener.address().port}`;

// Consent by who gave it to whom.
const grants = new Map();

const provider = new Provider(origin, {
  clients: settings.clients,
  cookies: { keys: ['a key that signs cookies'] },
  claims: { profile: ['name'] },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  findAccount(context, id) {
    return { accountId: id, claims: () => ({ sub: id, name: `Person ${id}` }) };
  },
  interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: (context, client) => client.grantTypeAllowed('refresh_token'),
  loadExistingGrant({ oidc }) {
    const id = grants.get(`${oidc.session.accountId} ${oidc.client.clientId}`);
    return id && oidc.provider.Grant.find(id);
  },
});
provider.on('server_error', (context, error) => console.error(error));

const other = provider.callback();
listener.on('request', (request, response) => {
  const { method, url, headers } = request;
  const log = (body) => {
    const line = { site: 'http', request: `${method} ${url}`, headers, body };
    appendFileSync(`${settings.folder}/requests`, `${JSON.stringify(line)}\n`);
  };
  if (method === 'POST') {
    const chunks = [];
    const push = request.push;
    request.push = (chunk, ...rest) => {
      if (chunk) chunks.push(chunk);
      else log(Buffer.concat(chunks).toString());
      return push.call(request, chunk, ...rest);
    };
  } else {
    log('');
  }
  const interaction = url.startsWith('/interaction/');
  (interaction ? interact(request, response) : other(request, response)).catch((error) => {
    console.error(error);
    response.destroy(error);
  });
});
console.log(JSON.stringify({ http: origin }));

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  const form = request.method === 'POST' && new URLSearchParams(await text(request));
  const finish = (result) => provider.interactionFinished(request, response, result);
  const { uid } = details;
  if (details.prompt.name === 'login') {
    if (!form) return page(response, 'Sign-in', loginPage(uid, ''));
    const known = settings.people.some(({ username, password }) => {
      return username === form.get('login') && password === form.get('password');
    });
    // The form again, with what is wrong, as most do.
    if (!known) return page(response, 'Sign-in', loginPage(uid, 'Name or password is wrong.'));
    return finish({ login: { accountId: form.get('login') } });
  }
  if (!form) return page(response, 'Authorize', consentPage(uid, details.params.client_id));
  if (form.get('answer') !== 'yes') return finish({ error: 'access_denied' });
  const { accountId } = details.session;
  const { client_id: clientId } = details.params;
  const grant = details.grantId
    ? await provider.Grant.find(details.grantId)
    : new provider.Grant({ accountId, clientId });
  const { missingOIDCScope, missingOIDCClaims } = details.prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  const grantId = await grant.save();
  grants.set(`${accountId} ${clientId}`, grantId);
  return finish({ ...details.lastSubmission, consent: { grantId } });
}

// A form to search comes first, and the password is asked for in a form that says where it goes.
function loginPage(uid, error) {
  return `
<form role="search" action="/search"><input name="q" placeholder="Search"></form>
<h1>Sign in</h1>
<p class="error">${error}</p>
<form method="post" action="${uid}">
  <label>Name <input name="login" required autofocus></label>
  <label>Password <input type="password" name="password" required></label>
  <button>Sign in</button>
</form>`;
}

// Refusing comes first.
function consentPage(uid, client) {
  return `
<h1>Authorize</h1>
<p>${client} wants to know who you are.</p>
<form method="post" action="${uid}">
  <button name="answer" value="no">Deny</button>
  <button name="answer" value="yes">Allow</button>
</form>`;
}

function page(response, title, body) {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`<!DOCTYPE html><html lang="en"><title>${title}</title><body>${body}</body></html>`);
}
