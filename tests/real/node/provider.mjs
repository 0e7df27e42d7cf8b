// The servers that the tests probe: two issuers of oidc-provider, APIs that take
// their tokens, and an API with keys, all on one port of loopback that the system
// chooses. With a certificate in the settings all that is there once more over TLS,
// under its own issuer. With a CA for clients that issuer has aliases for mutual TLS:
// `mutual`, where the provider judges the client's certificate, and `strict`, which
// closes connections without a good one.
//
// Tokens for the resources /api/jwt and /api/jwt/es256 are JWTs, signed by the keys in the
// settings or by new ones, so that a restart on the same port can replace keys. The APIs of
// the same names judge them with jose; /api/careless also takes those that nobody signed, and
// /api/tolerant those that have expired.
// With keys for it in the settings there are resources whose tokens are encrypted besides, to
// APIs that decrypt them with jose.
//
// The settings are one JSON text in the first argument. The first line on standard
// output tells the origins. Every request goes into the log, headers and all, before it
// is answered. Everything ends when standard input is closed, so that nothing outlives
// the test that started it.

import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer, request as send } from 'node:http';
import { createServer as createTlsServer, request as sendOverTls } from 'node:https';
import { json } from 'node:stream/consumers';
import {
  UnsecuredJWT, compactDecrypt, createRemoteJWKSet, exportJWK, generateKeyPair, importPKCS8,
  importSPKI, jwtVerify,
} from 'jose';
import { Provider, errors } from 'oidc-provider';

const settings = JSON.parse(process.argv.at(-1));
process.stdin.resume().on('end', () => process.exit());

// A server whose clock is this many seconds ahead.
if (settings.ahead) {
  const now = Date.now.bind(Date);
  Date.now = () => now() + settings.ahead * 1000;
}
// Keys and certificates of clients come as PEM.
for (const client of settings.clients) {
  if (client.public_key) {
    const { public_key: pem, token_endpoint_auth_signing_alg: alg } = client;
    const key = await exportJWK(await importSPKI(pem, alg, { extractable: true }));
    client.jwks = { keys: [{ ...key, alg, use: 'sig' }] };
    delete client.public_key;
  }
  if (client.certificate) {
    const { publicKey, raw } = new X509Certificate(client.certificate);
    const key = publicKey.export({ format: 'jwk' });
    client.jwks = { keys: [{ ...key, use: 'sig', x5c: [raw.toString('base64')] }] };
    delete client.certificate;
  }
}

const LIFETIME = settings.lifetime ?? 300;
const SCOPE = 'monitoring:health';
const API_CLIENT = { client_id: 'api', client_secret: 'introspection-credential' };

// Resources of RFC 8707 with the algorithm of their tokens. A token for none is opaque.
const RESOURCES = {
  '/api/jwt': 'RS256',
  '/api/jwt/es256': 'ES256',
  '/api/encrypted/rsa': 'RS256',
  '/api/encrypted/ec': 'ES256',
};

// How tokens are encrypted to their APIs, whose private keys come as PEM by these paths.
const ENCRYPTED = {
  '/api/encrypted/rsa': { alg: 'RSA-OAEP-256', enc: 'A256GCM' },
  '/api/encrypted/ec': { alg: 'ECDH-ES', enc: 'A128CBC-HS256' },
};
const decryptionKeys = settings.decryptionKeys ?? {};

const plain = createServer();
const origin = await listening('http', plain, settings.port);
const origins = { http: origin };

// The first key of an algorithm signs, the others only verify.
const jwks = { keys: (await Promise.all((settings.signingKeys ?? [{}]).map(signingKeys))).flat() };
const keys = createRemoteJWKSet(new URL(`${origin}/jwks`));

serve('http', plain, site(origin));
if (settings.certificate) {
  const aliases = {};
  const over = (name, options) => {
    const listener = createTlsServer({ ...settings.certificate, ...options });
    return listening('https', listener).then((url) => {
      origins[name] = url;
      return listener;
    });
  };
  const listeners = { https: await over('https') };
  if (settings.clientCa) {
    const mutual = { requestCert: true, ca: settings.clientCa };
    listeners.mutual = await over('mutual', { ...mutual, rejectUnauthorized: false });
    listeners.strict = await over('strict', mutual);
    aliases.token_endpoint = `${origins.mutual}/token`;
    aliases.introspection_endpoint = `${origins.mutual}/token/introspection`;
    aliases.revocation_endpoint = `${origins.mutual}/token/revocation`;
  }
  const overTls = site(origins.https, { mtls_endpoint_aliases: aliases });
  for (const [name, listener] of Object.entries(listeners)) serve(name, listener, overTls);
}
console.log(JSON.stringify(origins));

function listening(scheme, listener, port) {
  return new Promise((resolve, reject) => {
    listener.once('error', reject).listen(port ?? 0, '127.0.0.1', () => {
      resolve(`${scheme}://127.0.0.1:${listener.address().port}`);
    });
  });
}

// Private keys in the form of RFC 7517; oidc-provider names them by their thumbprints.
function signingKeys(pems) {
  const extractable = { extractable: true };
  return Promise.all(['RS256', 'ES256'].map(async (alg) => {
    const key = pems[alg]
      ? await importPKCS8(pems[alg], alg, extractable)
      : (await generateKeyPair(alg, extractable)).privateKey;
    return { ...(await exportJWK(key)), use: 'sig', alg };
  }));
}

function serve(name, listener, handle) {
  listener.on('request', (request, response) => {
    const certificate = request.socket.getPeerX509Certificate?.()?.subject ?? null;
    const { method, url, headers } = request;
    const line = { site: name, request: `${method} ${url}`, certificate, headers };
    if (settings.log) appendFileSync(settings.log, `${JSON.stringify(line)}\n`);
    handle(request, response).catch((error) => {
      console.error(error);
      response.destroy(error);
    });
  });
}

// What one origin serves.
function site(base, discovery) {
  const atRoot = provider(base, {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    mTLS: {
      enabled: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: ({ socket }) => socket.getPeerX509Certificate?.(),
      certificateAuthorized: ({ socket }) => socket.authorized,
      certificateSubjectMatches: ({ socket }, property, expected) => {
        return socket.getPeerX509Certificate().subject === expected;
      },
    },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(context, indicator) {
        const path = indicator.startsWith(base) && indicator.slice(base.length);
        const alg = RESOURCES[path];
        if (!alg || (ENCRYPTED[path] && !decryptionKeys[path])) throw new errors.InvalidTarget();
        const encrypt = ENCRYPTED[path] && {
          ...ENCRYPTED[path],
          key: createPublicKey(decryptionKeys[path]),
        };
        return {
          accessTokenFormat: 'jwt',
          accessTokenTTL: LIFETIME,
          audience: indicator,
          jwt: { sign: { alg }, encrypt },
          scope: SCOPE,
        };
      },
    },
  }, [...settings.clients, { ...API_CLIENT, grant_types: [] }], discovery);
  // An issuer with a path, which knows no client credentials.
  const basic = settings.clients.filter((client) => client.client_secret);
  const withPath = provider(`${base}/tenant/one`, {}, basic.map((client) => ({
    ...client,
    grant_types: [],
  })));
  const accepts = {
    '/api/opaque': introspected(base),
    '/api/careless': carelessly(base),
    '/api/jwt': verified(base, '/api/jwt'),
    '/api/jwt/es256': verified(base, '/api/jwt/es256'),
    '/api/tolerant': verified(base, '/api/jwt', { clockTolerance: 3600 }),
    ...Object.fromEntries(Object.keys(decryptionKeys).map((path) => [path, decrypted(base, path)])),
  };
  return async (request, response) => {
    const { pathname } = new URL(request.url, base);
    if (accepts[pathname]) return guarded(request, response, accepts[pathname]);
    if (pathname === '/key') return keyed(request, response);
    if (pathname.startsWith('/tenant/one/')) {
      request.originalUrl = request.url;
      request.url = request.url.slice('/tenant/one'.length);
      return withPath(request, response);
    }
    return atRoot(request, response);
  };
}

function provider(issuer, features, clients, discovery) {
  const instance = new Provider(issuer, {
    clients: clients.map((client) => ({ redirect_uris: [], response_types: [], ...client })),
    clientAuthMethods: [
      'client_secret_basic', 'client_secret_jwt', 'client_secret_post', 'none', 'private_key_jwt',
      ...(features.mTLS ? ['self_signed_tls_client_auth', 'tls_client_auth'] : []),
    ],
    enabledJWA: {
      clientAuthSigningAlgValues: [
        'HS256', 'RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA',
      ],
    },
    cookies: { keys: ['cookies are of no use here'] },
    discovery,
    features: { devInteractions: { enabled: false }, ...features },
    jwks,
    scopes: [SCOPE],
    ttl: { ClientCredentials: LIFETIME },
  });
  instance.on('server_error', (context, error) => console.error(error));
  return instance.callback();
}

// RFC 6750 §3
async function guarded(request, response, accepts) {
  const [, token] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!token) return answer(response, 401, { error: 'no token' }, 'Bearer');
  if (await accepts(token)) return answer(response, 200, { status: 'ok' });
  return answer(response, 401, { error: 'bad token' }, 'Bearer error="invalid_token"');
}

// RFC 7662: the provider is asked about the token.
function introspected(issuer) {
  const { client_id: id, client_secret: secret } = API_CLIENT;
  const options = {
    method: 'POST',
    auth: `${id}:${secret}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    // It is this process that answers.
    rejectUnauthorized: false,
  };
  const ask = issuer.startsWith('https:') ? sendOverTls : send;
  return (token) => new Promise((resolve, reject) => {
    const question = ask(`${issuer}/token/introspection`, options, (reply) => {
      json(reply).then(({ active }) => resolve(active === true), reject);
    });
    question.once('error', reject).end(`${new URLSearchParams({ token })}`);
  });
}

// RFC 9068: the token speaks for itself.
function verified(issuer, path, options) {
  const algorithms = [RESOURCES[path]];
  const audience = `${issuer}${path}`;
  const expected = { issuer, audience, typ: 'at+jwt', algorithms, ...options };
  return (token) => jwtVerify(token, keys, expected).then(() => true, () => false);
}

// The same inside of what was encrypted to this API alone.
function decrypted(issuer, path) {
  const verify = verified(issuer, path);
  const key = createPrivateKey(decryptionKeys[path]);
  const { alg, enc } = ENCRYPTED[path];
  const expected = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc] };
  return (token) => compactDecrypt(token, key, expected).then(
    ({ plaintext }) => verify(new TextDecoder().decode(plaintext)),
    () => false,
  );
}

// Wrong on purpose: the header of the token chooses whether its signature counts, in any case.
function carelessly(issuer) {
  const verify = verified(issuer, '/api/jwt');
  const expected = { issuer, audience: `${issuer}/api/jwt`, typ: 'at+jwt' };
  return (token) => {
    try {
      const [encoded, payload] = token.split('.');
      const header = JSON.parse(Buffer.from(encoded, 'base64url'));
      if (!/^none$/i.test(header.alg)) return verify(token);
      header.alg = 'none';
      const unsecured = Buffer.from(JSON.stringify(header)).toString('base64url');
      UnsecuredJWT.decode(`${unsecured}.${payload}.`, expected);
      return true;
    } catch {
      return false;
    }
  };
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
