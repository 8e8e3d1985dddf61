import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseCommand, parseSince, readServerMessage, readServerMessages, WIRE_ERRORS } from '@pulsebeacon/wire';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map((match) => match[1]!);

/** The part of a page from one heading of the second level to the next. */
function chapter(page: string, title: string): string {
  const found = page.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
  assert.ok(found !== undefined, `there is a chapter "${title}"`);
  return found;
}

/** An example stands on one line; in a block of more lines, on each. */
const examples = (text: string): string[] => blocks(text, 'json').flatMap((block) => block.trim().split('\n'));

const PAGE = readFileSync(at('../../docs/reference/wire-protocol.md'), 'utf8');

/** The names of the types that a union of messages.ts has. */
function typesOf(union: 'Command' | 'ServerMessage'): string[] {
  const source = readFileSync(at('src/messages.ts'), 'utf8');
  const names = new RegExp(`export type ${union} =([^;]*);`).exec(source)![1]!.match(/\w+/g)!;
  return names.map((name) => name.replace(/(Command|Message)$/, '').toLowerCase());
}

test('the README runs, and prints what it says', () => {
  const programs = blocks(readFileSync(at('README.md'), 'utf8'), 'js');
  assert.equal(programs.length, 3);
  mkdirSync(at('build/readme'), { recursive: true });
  for (const [index, program] of programs.entries()) {
    const file = at(`build/readme/${index}.mjs`);
    writeFileSync(file, program);
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const printed = stdout.replace(/\s+/g, ' ');
    for (const [, said] of program.matchAll(/\); \/\/ (.*)$/gm)) {
      assert.ok(printed.includes(said!.split('…')[0]!.trimEnd()), `${said} is in ${printed}`);
    }
  }
});

test('the page has an example of every command, and each is one', () => {
  const types = examples(chapter(PAGE, 'What a client says')).map((text) => parseCommand(text).type);
  assert.deepEqual([...new Set(types)].sort(), typesOf('Command').sort());
});

test('the page has an example of every message of a server, and each is one', () => {
  const types = examples(chapter(PAGE, 'What a server says')).map((text) => {
    const message = readServerMessage(text);
    assert.ok(message !== undefined, text);
    return message.type;
  });
  assert.deepEqual([...new Set(types)].sort(), typesOf('ServerMessage').sort());
});

test('the page names every field of every message', () => {
  const source = readFileSync(at('src/messages.ts'), 'utf8') + readFileSync(at('src/publication.ts'), 'utf8');
  for (const [, name, body] of source.matchAll(
    /export interface (\w+(?:Command|Message)|Member|Reach)\b[^{]*\{([^]*?)^\}/gm,
  )) {
    for (const [, field] of body!.matchAll(/^ {2}readonly (\w+)\??:/gm)) {
      assert.ok(PAGE.includes(`\`${field}\``), `${field} of ${name}`);
    }
  }
});

test('requests and answers over HTTP on the page are what they say', () => {
  const [request, answer] = blocks(chapter(PAGE, 'Over HTTP'), 'json');
  const { hello, commands } = JSON.parse(request!) as { hello: object; commands: object[] };
  assert.equal(parseCommand(JSON.stringify({ type: 'hello', ...hello })).type, 'hello');
  for (const command of commands) parseCommand(JSON.stringify(command));
  assert.ok(readServerMessages(answer!).length > 0);
});

test('every form of since, and every code that the page names, exists', () => {
  for (const text of ['k3f9.17', '10m', 'all']) {
    assert.ok(PAGE.includes(`\`${text}\``));
    parseSince(text);
  }
  for (const [code] of PAGE.matchAll(/PB_[A-Z_]+/g)) assert.ok(Object.hasOwn(WIRE_ERRORS, code), code);
});
