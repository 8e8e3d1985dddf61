// A reporter for node:test that writes one JSON object a line, for runner.mjs to read. It runs inside the process of
// each test file, on every Node that is supported, and so keeps to what all of them have.
import { inspect } from 'node:util';

function describe({ details }) {
  const error = details?.error;
  const cause = error?.cause ?? error;
  if (typeof cause === 'string') return cause;
  const frames = / *at .*\(?node:.*\n?/g;
  return inspect(cause, { depth: 4, breakLength: 120 }).replace(frames, '').trimEnd();
}

function record({ type, data }, path) {
  const at = { name: path.join(' › '), file: data.file, line: data.line };
  switch (type) {
    case 'test:pass':
      if (data.details?.type === 'suite') return undefined;
      return { kind: data.skip !== undefined || data.todo !== undefined ? 'skip' : 'pass', ...at };
    case 'test:fail': {
      if (data.todo !== undefined) return { kind: 'skip', ...at };
      // A parent that fails because of its children says nothing new; a suite is no test, but its hooks can fail.
      const echo = data.details?.error?.failureType === 'subtestsFailed';
      if (echo && data.details?.type === 'suite') return undefined;
      return { kind: 'fail', ...at, ...(echo ? {} : { error: describe(data) }) };
    }
    case 'test:diagnostic':
      return { kind: 'note', nesting: data.nesting, text: data.message };
    case 'test:plan':
      return data.nesting === 0 ? { kind: 'end' } : undefined;
    default:
      return undefined;
  }
}

export default async function* report(events) {
  const path = [];
  for await (const event of events) {
    if (event.type === 'test:start') path.splice(event.data.nesting, Infinity, event.data.name);
    if (event.type === 'test:dequeue') yield `${JSON.stringify({ kind: 'begin', name: event.data.name })}\n`;
    const line = record(event, path.slice(0, (event.data?.nesting ?? 0) + 1));
    if (line) yield `${JSON.stringify(line)}\n`;
  }
}
