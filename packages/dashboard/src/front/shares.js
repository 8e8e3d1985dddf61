// Over HTTP/1.1 a browser has six connections to a server, for all its windows together, WebSockets aside. Were all of them held
// by what lasts, nothing could be published any more, and no other page would load.

/** So many may last; two are left for what comes and goes. */
const SHARES = Array.from({ length: 4 }, (_, at) => `pulsebeacon-connection-${at}`);

/** What is free is there at once. */
const A_WHILE_MS = 300;

/**
 * For what needs no share: a WebSocket.
 * @type {import('./following.js').Take}
 */
export function takeFreely(onTaken) {
  onTaken();
  return () => {};
}

/**
 * Waits for a share in the browser's connections, where they have to be shared at all: HTTP/2 takes one for everything.
 * @type {import('./following.js').Take}
 */
export function takeShare(onTaken, onWaiting) {
  // Locks are for pages that came by TLS, or from this machine.
  if (navigator.locks === undefined || !isShared()) return takeFreely(onTaken, onWaiting);
  const waiting = setTimeout(onWaiting, A_WHILE_MS);
  const asking = new AbortController();
  /** @type {() => void} */
  let giveBack = () => {};
  const take = () => {
    asking.abort();
    clearTimeout(waiting);
    onTaken();
  };
  const hold = () => {
    // Another was granted before, or nobody asks any more.
    if (asking.signal.aborted) return undefined;
    const held = new Promise((resolve) => (giveBack = () => resolve(undefined)));
    take();
    return held;
  };
  for (const name of SHARES) {
    navigator.locks.request(name, { signal: asking.signal }, hold).catch(() => {
      // Not by our own will: where the browser lets a site keep nothing, it has no locks either.
      if (!asking.signal.aborted) take();
    });
  }
  return () => {
    asking.abort();
    clearTimeout(waiting);
    giveBack();
  };
}

/** Browsers speak HTTP/2 over TLS alone. What came out of the cache has no protocol. */
function isShared() {
  const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  const isOld = (/** @type {PerformanceEntry} */ entry) =>
    entry instanceof PerformanceResourceTiming && entry.nextHopProtocol.startsWith('http/1');
  return location.protocol === 'http:' || entries.some(isOld);
}
