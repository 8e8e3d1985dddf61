// One table, and what is made from it: options, names in the environment, the schema, the example.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Command } from 'commander';
import { addServeOptions, readServeSettings, toSettings } from '#dist/commands/serve-options.js';
import { parseConfig } from '#dist/config/load.js';
import { reference } from '#dist/config/reference.js';
import { configSchema } from '#dist/config/schema.js';
import { exampleConfig } from '#dist/config/write.js';
import { DEFAULT_LIMITS, DEFAULT_NAMESPACE } from '#dist/settings.js';

const schemaFile = new URL('../../config.schema.json', import.meta.url);
const { sections, lists } = reference();
const rows = sections.flatMap((section) => section.rows);

function command(args: readonly string[]): Command {
  const serve = new Command('serve').exitOverride();
  addServeOptions(serve);
  return serve.parse(args, { from: 'user' });
}

describe('the table of settings', () => {
  it('has a place in the file for every option of serve', () => {
    const options = command([])
      .options.filter(({ long, hidden }) => !hidden && !/^--(no-)?config$/.test(long!))
      .map(({ long }) => long);
    assert.deepEqual(
      options,
      rows.map(({ flags }) => /--[a-z\d-]+/.exec(flags!)![0]),
    );
  });

  it('has each name once', () => {
    for (const names of [rows.map(({ key }) => key), rows.map(({ environment }) => environment)]) {
      assert.deepEqual(names, [...new Set(names)]);
    }
  });

  it('has every limit, with its default', () => {
    const limits = rows.filter(({ key }) => key.startsWith('limits.')).map(({ key }) => key.slice('limits.'.length));
    assert.deepEqual(limits.sort(), Object.keys(DEFAULT_LIMITS).sort());
  });

  it('makes complete settings where nothing is said', async () => {
    const settings = await toSettings(await readServeSettings(command(['--no-config', '--memory'])));
    assert.deepEqual(settings, {
      targets: [{ scheme: undefined, where: { kind: 'tcp', host: '127.0.0.1', port: 8080 } }],
      certificate: undefined,
      http2: true,
      siteRoot: undefined,
      publicUrls: [],
      allowedOrigins: [],
      trustedProxies: undefined,
      compression: false,
      limits: DEFAULT_LIMITS,
      store: { folder: undefined, fsync: 'grouped' },
      anonymous: false,
      heartbeat: 3000,
      pollTimeout: 25_000,
      namespaces: [{ ...DEFAULT_NAMESPACE, maxMessageSize: DEFAULT_LIMITS.maxMessageSize }],
      keys: [],
      logHandshakes: false,
      configFile: undefined,
    });
  });
});

describe('config.schema.json', () => {
  const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as Record<string, unknown>;

  it('is what files are checked against', () => assert.deepEqual(schema, configSchema()));

  it('is a JSON Schema of draft 2020-12 that describes all that is in it', () => {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, useDefaults: false });
    assert.equal(ajv.validateSchema(schema), true);
    const undescribed: string[] = [];
    const visit = (part: Record<string, unknown>, where: string): void => {
      for (const [name, child] of Object.entries(
        (part['properties'] ?? {}) as Record<string, Record<string, unknown>>,
      )) {
        if (child['properties'] === undefined && child['description'] === undefined)
          undescribed.push(`${where}${name}`);
        visit(child, `${where}${name}.`);
      }
      if (part['items'] !== undefined) visit(part['items'] as Record<string, unknown>, where);
    };
    visit(schema, '');
    assert.deepEqual(undescribed, []);
  });

  it('has the defaults, in a notation that it allows itself', () => {
    const defaults: Record<string, Record<string, unknown>> = {};
    for (const { key, byDefault } of rows) {
      const [section, name] = key.split('.') as [string, string];
      if (byDefault !== undefined) (defaults[section] ??= {})[name] = byDefault;
    }
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
    ajv.addVocabulary(['errorMessage']);
    assert.equal(ajv.validate(schema, defaults), true, ajv.errorsText());
  });

  it('is in the package', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      files: string[];
      exports: Record<string, string>;
    };
    assert(manifest.files.includes('config.schema.json'));
    assert.equal(manifest.exports['./config.schema.json'], './config.schema.json');
  });
});

describe('the example file', () => {
  /** With every setting that is left out put in. */
  const full = exampleConfig().replaceAll(/^( *)#(?! |$)/gm, '$1');

  it('says nothing as it is', () => {
    const { settings, namespaces, keys } = parseConfig(exampleConfig(), 'a.yaml');
    assert.equal(settings.size + namespaces.length + keys.length, 0);
  });

  it('has every setting, with its default', () => {
    // What stands for a choice that one has to make.
    const text = full.replace(/^ *(addresses|static): .*\n/gm, '');
    const { settings, namespaces, keys } = parseConfig(text, 'a.yaml');
    assert.deepEqual(
      [...settings.keys()],
      rows.map(({ key }) => key).filter((key) => key !== 'listen.addresses' && key !== 'content.static'),
    );
    for (const [list, [entry]] of [
      [lists[0]!, namespaces],
      [lists[1]!, keys],
    ] as const) {
      assert.deepEqual(
        [...entry!.values.keys()],
        list.rows.map(({ key }) => key),
      );
    }
  });

  it('has the defaults of the table', async () => {
    const { settings } = parseConfig(
      full.replace(/^ *(addresses|static|cert|key|publicUrls|allowedOrigins|trusted|data): .*\n/gm, ''),
      'a.yaml',
    );
    const serve = await readServeSettings(command(['--no-config']));
    for (const [key, { value }] of settings) assert.deepEqual(value, serve.get(key as 'listen.port'), key);
  });

  it('has no line that is too long', () => {
    assert(
      exampleConfig()
        .split('\n')
        .every((line) => line.length <= 120),
    );
  });
});

describe('docs/reference/configuration.md', () => {
  const page = readFileSync(new URL('../../../../docs/reference/configuration.md', import.meta.url), 'utf8');

  it('has an example that is right', () => {
    const example = /```yaml\n([^]*?)```/.exec(page)![1]!;
    assert.equal(parseConfig(example, 'a.yaml').namespaces.length, 3);
  });

  it('names every setting', () => {
    for (const { key } of [...rows, ...lists.flatMap((list) => list.rows)])
      assert(page.includes(`| \`${key}\` |`), key);
  });
});
