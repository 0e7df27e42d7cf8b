// Reads panels with the answers of Prometheus to their queries, and writes the tables that
// Grafana's own code makes of them.
//
// From standard input: [{transformations, targets: [{refId, format, legendFormat}],
// answers: [series of an instant query]}]. To standard output: for each panel, its frames as
// {name: [values]}.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

// The packages lie in the working directory. Node.js cannot import @grafana/data, which imports
// names from CommonJS.
const require = createRequire(`${process.cwd()}/`);
const { lastValueFrom } = require('rxjs');
const { standardTransformers, standardTransformersRegistry, transformDataFrame, getFieldDisplayName } =
  require('@grafana/data');

// What a browser would have. Set after it was loaded, since it takes a window for a whole browser.
globalThis.window = { __grafanaSceneContext: {} };

const transformers = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
standardTransformersRegistry.setInit(() =>
  [...transformers.values()].map((one) => ({ id: one.id, name: one.name, transformation: async () => one }))
);

const number = (text) => ({ NaN: NaN, '+Inf': Infinity, '-Inf': -Infinity })[text] ?? Number(text);
const field = (name, type, values, more = {}) => ({ name, type, values, config: {}, ...more });

// As the data source of Prometheus does: one frame a query with a column a label, where the
// value is named after the query when there are several.
function table(target, series, several) {
  const labels = [...new Set(series.flatMap((one) => Object.keys(one.metric).sort()))];
  const value = several ? `Value #${target.refId}` : 'Value';
  return [{
    refId: target.refId,
    length: series.length,
    fields: [
      field('Time', 'time', series.map((one) => one.value[0] * 1000)),
      ...labels.map((label) => field(label, 'string', series.map((one) => one.metric[label] ?? ''))),
      field(value, 'number', series.map((one) => number(one.value[1]))),
    ],
  }];
}

// And one frame a series, named by the legend.
function frames(target, series) {
  const name = (labels) => target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '');
  return series.map((one) => ({
    refId: target.refId,
    length: 1,
    fields: [
      field('Time', 'time', [one.value[0] * 1000]),
      field('Value', 'number', [number(one.value[1])], {
        labels: one.metric,
        config: { displayNameFromDS: name(one.metric) },
      }),
    ],
  }));
}

async function shown(panel) {
  const known = panel.transformations.every((one) => transformers.has(one.id));
  if (!known) throw new Error(`an unknown transformation: ${JSON.stringify(panel.transformations)}`);
  const several = panel.targets.length > 1;
  const input = panel.targets.flatMap((target, index) => {
    const series = panel.answers[index];
    return target.format === 'table' ? table(target, series, several) : frames(target, series);
  });
  const output = await lastValueFrom(transformDataFrame(panel.transformations, input));
  return output.map((frame) =>
    frame.fields.map((one) => [getFieldDisplayName(one, frame, output), one.values])
  );
}

const panels = JSON.parse(readFileSync(0, 'utf8'));
const results = [];
for (const panel of panels) results.push(await shown(panel));
process.stdout.write(JSON.stringify(results));
