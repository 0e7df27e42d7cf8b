// Holds dashboards against the types that Grafana publishes, and their units and colours against
// its lists. Arguments: files. Prints what is wrong, one a line.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';

// The packages lie in the working directory. Node.js cannot import @grafana/data, which imports
// names from CommonJS.
const require = createRequire(`${process.cwd()}/`);
const ts = require('typescript');
const { defaultDashboard } = require('@grafana/schema');
const { createTheme, getValueFormats } = require('@grafana/data');

// The folder of each panel's types, and whether it has a type for `custom`.
const PANELS = {
  barchart: ['barchart', 'BarChart', true],
  bargauge: ['bargauge', 'BarGauge', false],
  heatmap: ['heatmap', 'Heatmap', true],
  stat: ['stat', 'Stat', false],
  'state-timeline': ['statetimeline', 'StateTimeline', true],
  table: ['table', 'Table', true],
  timeseries: ['timeseries', 'TimeSeries', true],
};
const path = ([folder, name]) =>
  `@grafana/schema/dist/esm/raw/composable/${folder}/panelcfg/x/${name}PanelCfg_types.gen`;

const HEAD = `
import type { Dashboard, FieldConfig, MatcherConfig, Panel, RowPanel } from '@grafana/schema';
import type { DataLink } from '@grafana/data';
// JSON has texts where TypeScript has enumerations.
type Json<T> = T extends string ? \`\${T}\` : T extends (infer U)[] ? Json<U>[]
  : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Standard = Omit<FieldConfig, 'custom' | 'links'> & { links?: Omit<DataLink, 'onClick' | 'onBuildUrl' | 'internal' | 'origin'>[] };
type Target = {
  refId: string; datasource: { type: 'prometheus'; uid: '\${datasource}' }; editorMode: 'code' | 'builder';
  expr: string; format: 'table' | 'time_series' | 'heatmap'; instant: boolean; range: boolean; legendFormat?: string; interval?: string;
};
type Of<Options, Custom> = Omit<Panel, 'options' | 'fieldConfig' | 'targets'> & {
  options: Partial<Options>; targets: Target[];
  fieldConfig: {
    defaults: Standard & { custom?: Partial<Custom> };
    overrides: { matcher: MatcherConfig; properties: { id: string; value?: unknown }[] }[];
  };
};
type None = Record<string, never>;
`;

function source(dashboard) {
  const lines = [HEAD];
  for (const [type, of] of Object.entries(PANELS)) {
    const alias = of[1];
    lines.push(`import type { Options as ${alias}Options${of[2] ? `, FieldConfig as ${alias}Custom` : ''} } from '${path(of)}';`);
    if (!of[2]) lines.push(`type ${alias}Custom = None;`);
  }
  const { panels, ...rest } = dashboard;
  lines.push(`export const dashboard: Json<Omit<Dashboard, 'panels'>> = ${JSON.stringify(rest)};`);
  for (const panel of panels) {
    const name = `panel_${panel.id}`;
    if (panel.type === 'row') {
      lines.push(`export const ${name}: Json<RowPanel> = ${JSON.stringify(panel)};`);
      continue;
    }
    const [, alias] = PANELS[panel.type] ?? [null, 'Unknown'];
    lines.push(`export const ${name}: Json<Of<${alias}Options, ${alias}Custom>> = ${JSON.stringify(panel)};`);
    const properties = panel.fieldConfig.overrides.flatMap((one) => one.properties);
    properties.forEach(({ id, value }, index) => {
      const of = id.startsWith('custom.') ? [`${alias}Custom`, id.slice('custom.'.length)] : ['Standard', id];
      lines.push(`export const ${name}_${index}: Json<Required<${of[0]}>['${of[1]}']> = ${JSON.stringify(value)};`);
    });
  }
  return lines.join('\n');
}

// What TypeScript says against these texts, each with the line that it is about.
function typeErrors(texts) {
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile;
  const at = (name) => texts.get(basename(name));
  host.getSourceFile = (name, ...rest) =>
    at(name) ? ts.createSourceFile(name, at(name), ts.ScriptTarget.ES2022) : read(name, ...rest);
  const exists = host.fileExists;
  host.fileExists = (name) => texts.has(basename(name)) || exists(name);
  const program = ts.createProgram([...texts.keys()].map((name) => `${process.cwd()}/${name}`), options, host);
  return ts.getPreEmitDiagnostics(program).map((one) => {
    const said = ts.flattenDiagnosticMessageText(one.messageText, ' ');
    if (!one.file) return said;
    const text = one.file.text;
    const from = text.lastIndexOf('\n', one.start) + 1;
    return `${basename(one.file.fileName)}: ${text.slice(from, text.indexOf(':', from)).replace('export const ', '')}: near ${text.slice(one.start, one.start + 60)}: ${said}`;
  });
}

const units = new Set(getValueFormats().flatMap((one) => one.submenu.map((format) => format.value)));
const theme = createTheme();
const isColour = (name) =>
  ['transparent', 'text'].includes(name) || /^(#|rgba?\()/.test(name) || theme.visualization.getColorByName(name) !== name;

// Every value under this key, however deep.
function* under(key, value) {
  if (value === null || typeof value !== 'object') return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === key && typeof inner === 'string') yield inner;
    yield* under(key, inner);
  }
}

const wrong = [];
const texts = new Map();
for (const file of process.argv.slice(1)) {
  const name = basename(file);
  const dashboard = JSON.parse(readFileSync(file, 'utf8'));
  texts.set(`${name}.ts`, source(dashboard));
  if (dashboard.schemaVersion !== defaultDashboard.schemaVersion) {
    wrong.push(`${name}: schemaVersion ${dashboard.schemaVersion}, but Grafana is at ${defaultDashboard.schemaVersion}`);
  }
  const overridden = dashboard.panels.flatMap((panel) => panel.fieldConfig?.overrides ?? [])
    .flatMap((one) => one.properties).filter((one) => one.id === 'unit').map((one) => one.value);
  for (const unit of [...under('unit', dashboard), ...overridden]) {
    if (!units.has(unit) && !unit.startsWith('suffix:')) wrong.push(`${name}: unit ${unit}`);
  }
  for (const colour of [...under('color', dashboard), ...under('fixedColor', dashboard)]) {
    if (!isColour(colour)) wrong.push(`${name}: colour ${colour}`);
  }
}
wrong.push(...typeErrors(texts));
for (const line of wrong) console.log(line);
