// saml-idp as it is: an identity provider that asks for no password, only for what it shall say of
// whoever comes.
//
// The settings are one JSON text in the first argument: `folder` and the options of saml-idp, where
// `files` become files of the folder. The first line of JSON on standard output tells the origin.
// Everything ends when standard input is closed, so that nothing outlives the test that started it.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const settings = JSON.parse(process.argv.at(-1));
process.stdin.resume().on('end', () => process.exit());

const options = { host: '127.0.0.1', port: 0, ...settings.options };
for (const [name, text] of Object.entries(settings.files)) {
  options[name] = `${settings.folder}/${name}.pem`;
  writeFileSync(options[name], text);
}

// It tells where it listens in its own words alone.
const log = console.log;
console.log = (...words) => {
  log(...words);
  const [, port] = /http:\/\/localhost:(\d+)\/metadata/.exec(words.join(' ')) ?? [];
  if (port) log(JSON.stringify({ http: `http://127.0.0.1:${port}` }));
};

createRequire(`${process.cwd()}/`)('saml-idp').runServer(options);
