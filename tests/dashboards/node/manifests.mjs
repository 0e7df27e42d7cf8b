// Holds manifests of Kubernetes against the types and schemas of the Prometheus Operator's
// resources. From standard input: [{name, manifest}]. Prints what is wrong, one a line.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as models from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';

// The packages lie in the working directory.
const ts = createRequire(`${process.cwd()}/`)('typescript');

const wrong = [];
const lines = ["import type * as models from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';"];
const names = [''];
for (const { name, manifest } of JSON.parse(readFileSync(0, 'utf8'))) {
  const { apiVersion, kind } = manifest;
  if (apiVersion !== 'monitoring.coreos.com/v1' || !models[kind]) {
    wrong.push(`${name}: no resource ${kind} of ${apiVersion}`);
    continue;
  }
  try {
    new models[kind](manifest).validate();
  } catch (error) {
    wrong.push(`${name}: ${error.message}`);
  }
  // The schemas say nothing of fields that there are not, which the operator would drop.
  names.push(name);
  lines.push(`export const m${lines.length}: models.I${kind} = ${JSON.stringify(manifest)};`);
}

const options = {
  strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
};
const host = ts.createCompilerHost(options);
const file = `${process.cwd()}/manifests.ts`;
const [read, exists] = [host.getSourceFile, host.fileExists];
host.getSourceFile = (name, ...rest) =>
  name === file ? ts.createSourceFile(name, lines.join('\n'), ts.ScriptTarget.ES2022) : read(name, ...rest);
host.fileExists = (name) => name === file || exists(name);
for (const one of ts.getPreEmitDiagnostics(ts.createProgram([file], options, host))) {
  const line = one.file ? one.file.getLineAndCharacterOfPosition(one.start).line : 0;
  wrong.push(`${names[line] ?? ''}: ${ts.flattenDiagnosticMessageText(one.messageText, ' ')}`);
}
for (const line of wrong) console.log(line);
