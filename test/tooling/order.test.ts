// `node:test` runs the `after` hooks of a file once no test is left that it knows of: what is awaited between two tests
// may find them run, now and then, and its servers closed.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { list, ROOT } from './scripts.ts';

const TEST = /^(describe|it|test)\(/;
const AWAIT = /^((const|let) (?!.*=>).*|for )?\bawait\b/;

/** The lines of a file that await something behind its first test, or beside the tests that a loop makes. */
function awaitsBetweenTests(text: string): string[] {
  const lines = text.split('\n');
  const found: string[] = [];
  let hasTest = false;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (TEST.test(line)) hasTest = true;
    if (hasTest && AWAIT.test(line)) found.push(line);
    if (!line.startsWith('for (')) continue;
    const inside = lines.slice(at + 1, lines.indexOf('}', at)).map((each) => each.replace(/^ {2}/, ''));
    if (!inside.some((each) => TEST.test(each))) continue;
    hasTest = true;
    found.push(...inside.filter((each) => AWAIT.test(each)));
  }
  return found;
}

test('no test file awaits between two tests', async () => {
  const files = list('*.test.ts');
  assert(files.length > 300);
  const texts = await Promise.all(files.map((file) => readFile(path.join(ROOT, file), 'utf8')));
  const faults = files.flatMap((file, at) => awaitsBetweenTests(texts[at]!).map((line) => `${file}: ${line}`));
  assert.deepEqual(faults, []);
});

test('what would be wrong is found', () => {
  const one = "test('one', async () => {\n  await null;\n});\n";
  assert.deepEqual(awaitsBetweenTests(`const port = await start();\n${one}${one}`), []);
  assert.deepEqual(awaitsBetweenTests(`${one}const port = await start();\n${one}`), ['const port = await start();']);
  const loop =
    "for (const each of [1, 2]) {\n  await start(each);\n  test('one', async () => {\n    await null;\n  });\n}\n";
  assert.deepEqual(awaitsBetweenTests(loop), ['await start(each);']);
  assert.deepEqual(awaitsBetweenTests(loop.replace(/ {2}test[^]*?;\n {2}}\);\n/, '')), []);
});
