import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor } from '#dist/connection/cursor.js';

test('what was had already is not new, whatever connection brings it', () => {
  const cursor = new Cursor();
  assert.equal(cursor.since, undefined);
  assert.deepEqual(
    ['a.1', 'a.2', 'a.2', 'a.1', 'a.9'].map((position) => cursor.accept(position)),
    [true, true, false, false, true],
  );
  assert.equal(cursor.since, 'a.9');
});

test('a cursor that begins at a position has what is up to there', () => {
  const cursor = new Cursor('a.5');
  assert.equal(cursor.accept('a.5'), false);
  assert.equal(cursor.accept('a.6'), true);
});

test('where it began by a duration, it says so again until there is a position', () => {
  const cursor = new Cursor('10m');
  assert.equal(cursor.onSubscribed(undefined, true), false);
  assert.equal(cursor.since, '10m');
  cursor.accept('a.1');
  assert.equal(cursor.since, 'a.1');
});

test('recovered: the position that it has already stays', () => {
  const cursor = new Cursor();
  assert.equal(cursor.onSubscribed('a.3', true), false);
  cursor.accept('a.7');
  // Another connection, which was opened at a.3.
  assert.equal(cursor.onSubscribed('a.3', true), false);
  assert.equal(cursor.since, 'a.7');
});

test('not recovered: it is where the channel is, in another epoch too', () => {
  const cursor = new Cursor('a.3');
  assert.equal(cursor.onSubscribed('a.9', false), true);
  assert.equal(cursor.since, 'a.9');
  assert.equal(cursor.onSubscribed('b.1', false), true);
  assert.equal(cursor.accept('b.1'), false);
  assert.equal(cursor.accept('b.2'), true);
});

test('not recovered, but the old connection has brought it all meanwhile: nothing was missed', () => {
  const cursor = new Cursor('a.3');
  cursor.accept('a.9');
  assert.equal(cursor.onSubscribed('a.8', false), false);
  assert.equal(cursor.since, 'a.9');
});
