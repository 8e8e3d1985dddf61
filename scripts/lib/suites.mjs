// Which tests there are, sorted into suites, and what each file asks for.
import fs from 'node:fs';
import { Failure, filesBelow, packageNames, resolve } from './project.mjs';

/** How many files run side by side: one more than the processors of a small machine, for many of them wait a good deal. */
export const AT_ONCE = 3;

/**
 * The suites, in the order in which they begin. `where` tells which sources belong to it, `seconds` what one file may
 * take before it is ended, `most` how many of its files may run side by side, where that is less than AT_ONCE.
 */
export const SUITES = [
  {
    name: 'unit',
    about: 'the tests of each library by itself',
    where: /^packages\/(?!gateway\/)[^/]+\/test\/(?!rfc|properties\/)/,
    seconds: 120,
  },
  {
    name: 'program',
    about: 'the program and its commands, run as people run them',
    where: /^packages\/gateway\/test\//,
    seconds: 120,
  },
  {
    name: 'conformance',
    about: 'every MUST and MUST NOT of the RFCs, by section',
    where: /^packages\/[^/]+\/test\/rfc[^/]*\//,
    seconds: 120,
  },
  {
    name: 'properties',
    about: 'fuzz and property tests, with fixed seeds (`npm run soak` has their long form)',
    where: /^(?:packages\/[^/]+\/)?test\/properties\//,
    seconds: 240,
  },
  { name: 'examples', about: 'each program in examples/, run', where: /^test\/examples\//, seconds: 120 },
  { name: 'interop', about: 'other WebSocket implementations', where: /^test\/interop\//, seconds: 240 },
  {
    name: 'intermediaries',
    about: 'through nginx, HAProxy, Apache, Caddy and squid',
    where: /^test\/intermediaries\//,
    seconds: 240,
  },
  { name: 'browser', about: 'the page in a real browser', where: /^test\/browser\//, most: 2, seconds: 240 },
  { name: 'faults', about: 'peers and networks that misbehave', where: /^test\/faults\//, most: 2, seconds: 240 },
  {
    name: 'packaging',
    about: 'what is published, installed and used',
    where: /^test\/packaging\//,
    seconds: 240,
  },
  { name: 'tooling', about: 'the scripts that run all this', where: /^test\/tooling\//, seconds: 120 },
];

/** Suites that need nothing but Node: those which also run on every other Node that is supported. */
export const PORTABLE = ['unit', 'conformance'];

/**
 * A test says in the comments at its top what it needs:
 *     // requires: nginx, haproxy     programs and libraries, by the names in requirements.mjs
 *     // alone: measures memory       no other test may run beside it
 *     // slow: kills 50 servers       it takes half a minute or more, and so begins before the others
 */
export function header(text, field) {
  const top = /^(?:#!.*\n)?(?:\s*\/\/.*\n)*/.exec(text)[0];
  return new RegExp(`^\\s*// ${field}:(.*)$`, 'm').exec(top)?.[1].trim();
}

/** All tests: { source, compiled, suite, requires, alone, slow }. A test that no suite would run is an error, not a gap. */
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
        slow: header(text, 'slow') !== undefined,
      });
    }
  }
  return tests;
}
