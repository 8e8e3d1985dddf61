// The client in a dedicated worker: the page asks, and hears what comes of it.
// oxlint-disable unicorn/require-post-message-target-origin -- that of a worker takes none
import './harness.js';

self.onmessage = async ({ data: { id, call, parameters } }) => {
  try {
    const run = call === 'until' ? new Function('seen', `return ${parameters[0]}`) : undefined;
    const value = run === undefined ? await self[call](...parameters) : await self.until(run);
    self.postMessage({ id, value });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};
self.postMessage('ready');
