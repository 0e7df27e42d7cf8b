// A service provider of node-saml that begins a session for every response that the library
// accepts.
//
// The settings are one JSON text in the first argument: `entity_id`, `pair` (a `key` and a
// `certificate`) and `provider` (`entity_id` and a pair). The first line on standard output tells
// the origin. Everything ends when standard input is closed, so that nothing outlives the test that
// started it.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { SAML } from '@node-saml/node-saml';

const settings = JSON.parse(process.argv.at(-1));
process.stdin.resume().on('end', () => process.exit());

const listener = createServer();
await new Promise((resolve, reject) => {
  listener.once('error', reject).listen(0, '127.0.0.1', resolve);
});
const origin = `http://127.0.0.1:${listener.address().port}`;

const saml = new SAML({
  issuer: settings.entity_id,
  audience: settings.entity_id,
  callbackUrl: `${origin}/acs`,
  entryPoint: 'http://127.0.0.1/sso',
  idpIssuer: settings.provider.entity_id,
  idpCert: settings.provider.pair.certificate,
  privateKey: settings.pair.key,
  publicCert: settings.pair.certificate,
  decryptionPvk: settings.pair.key,
  signatureAlgorithm: 'sha256',
  digestAlgorithm: 'sha256',
  signMetadata: true,
  wantAuthnResponseSigned: settings.want_response_signed ?? false,
});

listener.on('request', async (request, response) => {
  const { method, url } = request;
  if (url === '/metadata') {
    response.writeHead(200, { 'content-type': 'application/samlmetadata+xml' });
    const { certificate } = settings.pair;
    return response.end(saml.generateServiceProviderMetadata(certificate, certificate));
  }
  if (method !== 'POST' || url !== '/acs') return response.writeHead(404).end();
  const form = new URLSearchParams(await text(request));
  try {
    await saml.validatePostResponseAsync({ SAMLResponse: form.get('SAMLResponse') });
  } catch (error) {
    console.log(String(error));
    return response.writeHead(403).end('refused');
  }
  const cookie = `session=${randomUUID()}; HttpOnly; Path=/`;
  return response.writeHead(303, { location: '/home', 'set-cookie': cookie }).end();
});
console.log(JSON.stringify({ http: origin }));
