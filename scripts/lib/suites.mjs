// Which tests there are, sorted into suites, and what each file asks for.
import fs from 'node:fs';
import { Failure, filesBelow, packageNames, resolve } from './project.mjs';

/**
 * The suites, in the order in which they run. `where` tells which sources belong to it,
 * `atOnce` how many files run side by side, `seconds` what one file may take before it is ended.
 */
export const SUITES = [
  {
    name: 'unit',
    about: 'the tests of each library by itself',
    where: /^packages\/(?!gateway\/)[^/]+\/test\/(?!rfc|properties\/)/,
    atOnce: 3,
    seconds: 120,
  },
  {
    name: 'program',
    about: 'the program and its commands, run as people run them',
    where: /^packages\/gateway\/test\//,
    atOnce: 3,
    seconds: 120,
  },
  {
    name: 'conformance',
    about: 'every MUST and MUST NOT of the RFCs, by section',
    where: /^packages\/[^/]+\/test\/rfc[^/]*\//,
    atOnce: 3,
    seconds: 120,
  },
  {
    name: 'properties',
    about: 'fuzz and property tests, with fixed seeds (`npm run soak` has their long form)',
    where: /^(?:packages\/[^/]+\/)?test\/properties\//,
    atOnce: 3,
    seconds: 240,
  },
  { name: 'examples', about: 'each program in examples/, run', where: /^test\/examples\//, atOnce: 3, seconds: 120 },
  { name: 'interop', about: 'other WebSocket implementations', where: /^test\/interop\//, atOnce: 3, seconds: 240 },
  {
    name: 'intermediaries',
    about: 'through nginx, HAProxy, Apache, Caddy and squid',
    where: /^test\/intermediaries\//,
    atOnce: 3,
    seconds: 240,
  },
  { name: 'browser', about: 'the page in a real browser', where: /^test\/browser\//, atOnce: 2, seconds: 240 },
  { name: 'faults', about: 'peers and networks that misbehave', where: /^test\/faults\//, atOnce: 2, seconds: 240 },
  {
    name: 'packaging',
    about: 'what is published, installed and used',
    where: /^test\/packaging\//,
    atOnce: 2,
    seconds: 240,
  },
  { name: 'tooling', about: 'the scripts that run all this', where: /^test\/tooling\//, atOnce: 2, seconds: 120 },
];

/** Suites that need nothing but Node: those which also run on every other Node that is supported. */
export const PORTABLE = ['unit', 'conformance'];

/**
 * A test says in the comments at its top what it needs:
 *     // requires: nginx, haproxy     programs and libraries, by the names in requirements.mjs
 *     // alone: measures memory       no other test may run beside it
 */
export function header(text, field) {
  const top = /^(?:#!.*\n)?(?:\s*\/\/.*\n)*/.exec(text)[0];
  return new RegExp(`^\\s*// ${field}:(.*)$`, 'm').exec(top)?.[1].trim();
}

/** All tests: { source, compiled, suite, requires, alone }. A test that no suite would run is an error, not a gap. */
export function findTests() {
  // What crosses packages takes longest: the rest runs beside it.
  const roots = ['.', ...packageNames().map((name) => `packages/${name}`)];
  const tests = [];
  for (const root of roots) {
    for (const file of filesBelow(resolve(root, 'test'))) {
      if (!file.endsWith('.test.ts')) continue;
      const inside = file.split('\\').join('/');
      const source = root === '.' ? `test/${inside}` : `${root}/test/${inside}`;
      const suite = SUITES.find(({ where }) => where.test(source))?.name;
      if (!suite) throw new Failure(`${source} belongs to no suite; scripts/lib/suites.mjs lists them`);
      const text = fs.readFileSync(resolve(source), 'utf8');
      tests.push({
        source,
        compiled: resolve(root, 'build/test', file.replace(/\.ts$/, '.js')),
        suite,
        requires: header(text, 'requires')?.split(/\s*,\s*/) ?? [],
        alone: header(text, 'alone') !== undefined,
      });
    }
  }
  return tests;
}
