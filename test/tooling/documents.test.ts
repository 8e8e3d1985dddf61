// Documents lead where they say, and CONTRIBUTING.md shows the house as it is.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { list, ROOT } from './scripts.ts';

const read = (file: string): string => fs.readFileSync(path.join(ROOT, file), 'utf8');
const withoutCode = (text: string): string => text.replaceAll(/^```[^]*?^```$/gm, '');

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (file: string): Set<string> =>
  new Set(Array.from(withoutCode(read(file)).matchAll(/^#+ (.+)$/gm), ([, heading]) => anchorOf(heading!)));

const DOCUMENTS = list('*.md');

test('no link of a document leads nowhere', () => {
  const dead: string[] = [];
  for (const file of DOCUMENTS) {
    for (const [, link] of withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(?:https?|mailto):/.test(link!)) continue;
      const [target, anchor] = link!.split('#') as [string, string?];
      const there = target === '' ? file : path.normalize(path.join(path.dirname(file), target));
      const isThere = fs.existsSync(path.join(ROOT, there));
      if (!isThere || (anchor !== undefined && !anchorsOf(there).has(anchor))) dead.push(`${file}: ${link}`);
    }
  }
  assert.deepEqual(dead, []);
});

test('each page of the guide and of the reference is in the list of its folder', () => {
  for (const folder of ['docs/guide', 'docs/reference']) {
    const contents = read(`${folder}/README.md`);
    for (const file of list(`${folder}/*.md`)) {
      const name = path.basename(file);
      if (name !== 'README.md') assert.ok(contents.includes(`](${name})`), `${folder}/README.md names ${name}`);
    }
  }
});

test('the house of CONTRIBUTING.md has every package, and no other', () => {
  const house = read('CONTRIBUTING.md').split('\n## ')[1]!.split('\n### ')[0]!;
  const packages = list('packages/*/package.json').map((file) => {
    const { name, private: isPrivate } = JSON.parse(read(file)) as { name: string; private?: boolean };
    return `${file.split('/')[1]}/ ${isPrivate === true ? 'private' : name}`;
  });
  const shown = Array.from(house.matchAll(/^ {6}(\S+\/) +(\S+)/gm), ([, folder, name]) => `${folder} ${name}`);
  assert.deepEqual(shown.toSorted(), packages.toSorted());
});

test('the folders that CONTRIBUTING.md shows are there', () => {
  const house = read('CONTRIBUTING.md').split('\n## ')[1]!.split('\n### ')[0]!;
  let parent = '';
  for (const [, indent, folder] of house.matchAll(/^ {4}( *)([\w./-]+\/) /gm)) {
    if (indent!.length === 2) parent = `packages/${folder}`;
    const place = `${indent!.length === 4 ? parent : indent!.length === 2 ? 'packages/' : ''}${folder}`;
    assert.ok(fs.existsSync(path.join(ROOT, place)), place);
  }
});
