// What is in the tarballs, and what is not.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Installation, ROOT } from './packages.ts';

/** Everything a package may have; a file that none of these allows is a stray one. */
const ALLOWED: Record<string, readonly RegExp[]> = {
  '@pulsebeacon/broker-lmdb': [],
  '@pulsebeacon/client': [],
  '@pulsebeacon/hub': [],
  '@pulsebeacon/websocket': [],
  '@pulsebeacon/wire': [],
  pulsebeacon: [
    /^bin\/pulsebeacon\.js$/,
    /^config\.schema\.json$/,
    /^pages\/([a-z0-9-]+\/)*[a-z0-9-]+\.(html|svg)$/,
    /^pages\/(first-view\.js|assets\/[a-z0-9-]+-[\w-]{8}\.(css|js))$/,
    /^report\/report\.(css|js)$/,
  ],
};
const ALWAYS = [/^(LICENSE|README\.md|package\.json)$/, /^dist\/([a-z0-9-]+\/)*[a-z0-9-]+\.(js|js\.map|d\.ts)$/];

describe('packed packages', () => {
  let installation: Installation;
  before(async () => (installation = await Installation.create()));
  after(() => installation?.remove());

  it('are those that are expected', () => {
    assert.deepEqual(installation.packages.map(({ manifest }) => manifest.name).sort(), Object.keys(ALLOWED).sort());
  });

  for (const [name, more] of Object.entries(ALLOWED)) {
    describe(name, () => {
      it('has no stray file', () => {
        const allowed = [...ALWAYS, ...more];
        const stray = installation.find(name).files.filter((file) => !allowed.some((pattern) => pattern.test(file)));
        assert.deepEqual(stray, []);
      });

      it('has its license, its readme and every module with types and source map', () => {
        const files = new Set(installation.find(name).files);
        const modules = [...files].filter((file) => /^dist\/.*\.js$/.test(file));
        assert(modules.length > 0);
        const expected = modules.flatMap((file) => [file.replace(/\.js$/, '.d.ts'), `${file}.map`]);
        const lacking = ['LICENSE', 'README.md', ...expected].filter((file) => !files.has(file));
        assert.deepEqual(lacking, []);
      });

      it('has no compiled file without a source', () => {
        const { folder, files } = installation.find(name);
        const source = (file: string): string =>
          path.join(ROOT, 'packages', folder, file.replace(/^dist/, 'src').replace(/\.(js|js\.map|d\.ts)$/, '.ts'));
        const orphans = files.filter((file) => file.startsWith('dist/') && !existsSync(source(file)));
        assert.deepEqual(orphans, []);
      });

      it('has source maps that carry their sources', async () => {
        for (const file of installation.find(name).files.filter((candidate) => candidate.endsWith('.js.map'))) {
          const map = JSON.parse(await installation.read(name, file));
          assert.equal(map.sourcesContent?.length, map.sources.length, file);
        }
      });

      it('says its license, and runs nothing when it is installed', () => {
        const { manifest } = installation.find(name);
        assert.equal(manifest['license'], 'MIT');
        assert.deepEqual(manifest['engines'], { node: '>=20.19.0' });
        assert.equal(manifest['scripts'], undefined);
      });

      it('names exact versions of its own siblings', () => {
        const { manifest } = installation.find(name);
        for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
          if (dependency in ALLOWED) assert.equal(range, installation.find(dependency).manifest.version);
        }
      });
    });
  }

  /** Those that run with nothing but each other, and for the pure one not even Node. */
  const INDEPENDENT = {
    '@pulsebeacon/websocket': /^(\.\.?\/|node:)/,
    '@pulsebeacon/wire': /^\.\.?\//,
    '@pulsebeacon/client': /^(\.\.?\/|@pulsebeacon\/wire$)/,
    '@pulsebeacon/hub': /^(\.\.?\/|node:|@pulsebeacon\/(websocket|wire)$)/,
  };

  for (const [name, own] of Object.entries(INDEPENDENT)) {
    it(`${name} has no runtime dependency outside of this project`, () => {
      const { manifest } = installation.find(name);
      for (const field of ['optionalDependencies', 'peerDependencies', 'bundleDependencies']) {
        assert.equal(manifest[field], undefined, field);
      }
      const foreign = Object.keys(manifest.dependencies ?? {}).filter((dependency) => !own.test(dependency));
      assert.deepEqual(foreign, []);
    });

    it(`${name} imports its own files, and what it may, in code and in types`, async () => {
      const foreign: string[] = [];
      for (const file of installation.find(name).files.filter((candidate) => /\.(js|d\.ts)$/.test(candidate))) {
        const text = await installation.read(name, file);
        for (const [, stated, called] of text.matchAll(
          // Statements, import() in types and require(): not Buffer.from('text').
          /(?:^|[\s;}])(?:from|import)\s*['"]([^'"\n]+)['"]|\b(?:import|require)\(\s*['"]([^'"\n]+)['"]/g,
        )) {
          const specifier = stated ?? called ?? '';
          if (!own.test(specifier)) foreign.push(`${file}: ${specifier}`);
        }
      }
      assert.deepEqual(foreign, []);
    });
  }
});
