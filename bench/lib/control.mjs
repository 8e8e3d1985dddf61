// What a server or client of the comparison hears on standard input: a line of JSON each, answered by one.

function collectGarbage() {
  if (process.versions.bun) globalThis.Bun.gc(true);
  else if (typeof globalThis.gc === 'function') globalThis.gc();
  else return { gc: false };
  return { gc: true };
}

/** Prints the line that the harness waits for first. */
export function announce(facts) {
  const runtime = process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`;
  answer({ ready: true, runtime, pid: process.pid, ...facts });
}

function answer(facts) {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

/** Answers `gc`, and what `actions` has: functions of the request that return, or resolve with, the answer. */
export function obey(actions = {}) {
  const all = { gc: collectGarbage, ...actions };
  let half = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', async (chunk) => {
    const lines = (half + chunk).split('\n');
    half = lines.pop();
    for (const line of lines) {
      const request = JSON.parse(line);
      try {
        answer(await all[request.do](request));
      } catch (error) {
        answer({ error: error.message });
      }
    }
  });
  // Its end (the harness is gone) ends this program too.
  process.stdin.on('end', () => process.exit(0));
}
