// The WebSocket task source: https://html.spec.whatwg.org/#concept-task. Between two tasks a browser runs all
// microtasks, so that who awaits a message can ask for the next one before that is there. Node runs them when what it
// called from the event loop returns: after a read, or after each callback of setImmediate.

/** A task has begun, and microtasks have not been run since. */
let isInTask = false;

const settled = Promise.resolve();
const endTask = (): void => {
  isInTask = false;
};

/** Queues a task: it runs in this turn of the event loop, when everything that can be read is read. */
export function queueTask(task: () => void): void {
  setImmediate(task);
}

/**
 * Makes what Node has called from the event loop a task, which saves queuing one.
 * @returns false where it is one already
 */
export function startTask(): boolean {
  if (isInTask) return false;
  isInTask = true;
  void settled.then(endTask);
  return true;
}
