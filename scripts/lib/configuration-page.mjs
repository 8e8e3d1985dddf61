// docs/reference/configuration.md and config.schema.json, from the table of settings of the program.
import { table } from './markdown.mjs';
import { resolve } from './project.mjs';

const config = (name) => import(`file://${resolve('packages/gateway/dist/config', name)}`);

const INTRODUCTION = `# Configuration

Every setting of \`pulsebeacon serve\` can be given on the command line, in the environment, and in a YAML file; where it is
given more than once, the first of these holds. \`namespaces\` and \`keys\` stand in the file alone.

    $ pulsebeacon config init
    wrote pulsebeacon.yaml; pulsebeacon serve reads it
    $ pulsebeacon config check
    pulsebeacon.yaml: ok
    $ pulsebeacon config show

\`serve\` reads the file of \`--config FILE\` (\`PULSEBEACON_CONFIG\`); without it, \`pulsebeacon.yaml\` where the program was
started, if it is there; with \`--no-config\`, none. Its start-up lines say which one. \`config init\` writes one that has every
setting, as comments; \`config check\` says all that is wrong with it at once, each with its line and what to do, and ends with
exit code 2 where something is; \`config show\` prints what holds, and where each value comes from.

    pulsebeacon: pulsebeacon.yaml has 2 faults:
      pulsebeacon.yaml:2:3: listen.prt: there is no such setting. Did you mean port?
      pulsebeacon.yaml:4:19: limits.maxMessageSize: "64KB" is not allowed. Give a size such as 65536, 64KiB or 1MiB.

Sizes are \`65536\`, \`64KiB\`, \`1MiB\`; durations \`500ms\`, \`10s\`, \`2min\`, and a bare number is seconds. Relative paths count
from the folder of the file; on the command line and in the environment, from where the program was started. In the
environment, values of a list stand with commas between them, and a switch says \`true\` or \`false\` (\`1\`, \`yes\`, \`on\`;
\`0\`, \`no\`, \`off\`). On the command line \`--no-compression\` turns off what \`compression\` turned on elsewhere, and so for every switch.

A file against which editors can check is in the package: \`node_modules/pulsebeacon/config.schema.json\`. This page and that
file are made from the table in the code by \`node scripts/reference.mjs\`.`;

const EXAMPLE = `## An example

\`\`\`yaml
listen:
  host: 0.0.0.0
access:
  publicUrls: [https://live.example.com]
store:
  data: /var/lib/pulsebeacon
namespaces:
  - match: "chat:*"
    history: { size: 100, age: 10min }
    presence: true
    joinLeave: true
  - match: "prices:*"
    history: { size: 0 }
    slowConsumer: conflate
  - match: "internal:*"
    subscribe: granted
    readHistory: granted
\`\`\``;

const code = (text) => `\`${text}\``;
const cell = (text) => text.replaceAll('|', '\\|');

function defaultOf({ byDefault, without, isRequired }) {
  if (isRequired) return 'must be there';
  if (byDefault !== undefined) return code(byDefault);
  return without === undefined ? '' : `that of ${without}`;
}

function sectionLines({ name, about, rows }) {
  const cells = rows.map((row) => [
    code(row.key),
    code(row.flags.replace(/^-\w, /, '')),
    code(row.environment),
    defaultOf(row),
    cell(row.about),
  ]);
  return [`## ${name}`, '', about, '', ...table(['in the file', 'option', 'environment', 'default', ''], cells), ''];
}

function listLines({ name, about, rows }) {
  const cells = rows.map((row) => [code(row.key), defaultOf(row), cell(row.about)]);
  return [`## ${name}`, '', about, '', ...table(['in each entry', 'default', ''], cells), ''];
}

/** The whole page. */
export async function configurationPage() {
  const { sections, lists } = (await config('reference.js')).reference();
  const lines = [INTRODUCTION, '', EXAMPLE, '', ...sections.flatMap(sectionLines), ...lists.flatMap(listLines)];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** The whole schema. */
export async function configurationSchema() {
  return `${JSON.stringify((await config('schema.js')).configSchema(), undefined, 2)}\n`;
}
