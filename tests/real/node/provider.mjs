// The servers that the tests probe: two issuers of oidc-provider, APIs that take
// their tokens, and an API with keys, all on one port of loopback that the system
// chooses. With a certificate in the settings the API with keys answers on a second
// port, over TLS.
//
// The settings are one JSON text in the first argument. The first line on standard
// output tells the origins. Everything ends when standard input is closed, so that
// nothing outlives the test that started it.

import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createRemoteJWKSet, exportJWK, generateKeyPair, importSPKI, jwtVerify } from 'jose';
import { Provider, errors } from 'oidc-provider';

const settings = JSON.parse(process.argv.at(-1));
process.stdin.resume().on('end', () => process.exit());

// A server whose clock is this many seconds ahead.
if (settings.ahead) {
  const now = Date.now.bind(Date);
  Date.now = () => now() + settings.ahead * 1000;
}
// Keys of clients come as PEM.
for (const client of settings.clients) {
  if (!client.public_key) continue;
  const { public_key: pem, token_endpoint_auth_signing_alg: alg } = client;
  const key = await exportJWK(await importSPKI(pem, alg, { extractable: true }));
  client.jwks = { keys: [{ ...key, alg, use: 'sig' }] };
  delete client.public_key;
}

const LIFETIME = 300;
const SCOPE = 'monitoring:health';
const API_CLIENT = { client_id: 'api', client_secret: 'introspection-credential' };

const server = createServer((request, response) => {
  route(request, response).catch((error) => {
    console.error(error);
    response.destroy(error);
  });
});
await listening(server);
const origin = `http://127.0.0.1:${server.address().port}`;
const tenant = `${origin}/tenant/one`;
// Resources of RFC 8707: a token for one is a JWT, a token for none is opaque.
const resource = `${origin}/api/jwt`;

const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const jwks = { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256' }] };
const keys = createRemoteJWKSet(new URL(`${origin}/jwks`));

const atRoot = provider(origin, {
  clientCredentials: { enabled: true },
  introspection: { enabled: true },
  revocation: { enabled: true },
  resourceIndicators: {
    enabled: true,
    getResourceServerInfo(context, indicator) {
      if (indicator !== resource) throw new errors.InvalidTarget();
      return {
        accessTokenFormat: 'jwt',
        accessTokenTTL: LIFETIME,
        audience: resource,
        scope: SCOPE,
      };
    },
  },
}, [...settings.clients, { ...API_CLIENT, grant_types: [] }]);
// An issuer with a path, which knows no client credentials.
const withPath = provider(tenant, {}, settings.clients.map((client) => ({
  ...client,
  grant_types: [],
})));

const origins = { http: origin };
if (settings.certificate) {
  const tls = createTlsServer(settings.certificate, keyed);
  await listening(tls);
  origins.https = `https://127.0.0.1:${tls.address().port}`;
}
console.log(JSON.stringify(origins));

function listening(listener) {
  return new Promise((resolve, reject) => {
    listener.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
}

function provider(issuer, features, clients) {
  const instance = new Provider(issuer, {
    clients: clients.map((client) => ({ redirect_uris: [], response_types: [], ...client })),
    enabledJWA: {
      clientAuthSigningAlgValues: [
        'HS256', 'RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA',
      ],
    },
    cookies: { keys: ['cookies are of no use here'] },
    features: { devInteractions: { enabled: false }, ...features },
    jwks,
    scopes: [SCOPE],
    ttl: { ClientCredentials: LIFETIME },
  });
  instance.on('server_error', (context, error) => console.error(error));
  return instance.callback();
}

async function route(request, response) {
  const { pathname } = new URL(request.url, origin);
  if (pathname === '/api/opaque') return guarded(request, response, introspected);
  if (pathname === '/api/jwt') return guarded(request, response, verified);
  if (pathname === '/key') return keyed(request, response);
  if (pathname.startsWith('/tenant/one/')) {
    request.originalUrl = request.url;
    request.url = request.url.slice('/tenant/one'.length);
    return withPath(request, response);
  }
  return atRoot(request, response);
}

// RFC 6750 §3
async function guarded(request, response, accepts) {
  const [, token] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!token) return answer(response, 401, { error: 'no token' }, 'Bearer');
  if (await accepts(token)) return answer(response, 200, { status: 'ok' });
  return answer(response, 401, { error: 'bad token' }, 'Bearer error="invalid_token"');
}

// RFC 7662: the provider is asked about the token.
async function introspected(token) {
  const { client_id: id, client_secret: secret } = API_CLIENT;
  const credential = Buffer.from(`${id}:${secret}`).toString('base64');
  const reply = await fetch(`${origin}/token/introspection`, {
    method: 'POST',
    headers: { authorization: `Basic ${credential}` },
    body: new URLSearchParams({ token }),
  });
  return (await reply.json()).active === true;
}

// RFC 9068: the token speaks for itself.
async function verified(token) {
  const expected = { issuer: origin, audience: resource, typ: 'at+jwt', algorithms: ['RS256'] };
  return jwtVerify(token, keys, expected).then(() => true, () => false);
}

function keyed(request, response) {
  const accepted = request.headers['x-api-key'] === settings.apiKey;
  if (!accepted) return answer(response, 401, { error: 'no such key' }, 'ApiKey');
  return answer(response, 200, { account: { status: 'active' } });
}

function answer(response, status, body, challenge) {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(challenge && { 'www-authenticate': challenge }),
  });
  response.end(JSON.stringify(body));
}
