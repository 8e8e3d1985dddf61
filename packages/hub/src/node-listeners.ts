type Handler = (message: string) => void;

/** What nodes of one process send each other, for brokers. Messages arrive in order, after the call that sends them. */
export class NodeListeners {
  private readonly nodes = new Map<string, Set<Handler>>();

  /** @returns ends it */
  listen(node: string, handler: Handler): () => void {
    // A handler that listens twice hears twice, and each of the two ends by itself.
    const own: Handler = (message) => handler(message);
    const handlers = this.nodes.get(node) ?? new Set();
    this.nodes.set(node, handlers.add(own));
    return () => {
      handlers.delete(own);
      if (handlers.size === 0 && this.nodes.get(node) === handlers) this.nodes.delete(node);
    };
  }

  notify(node: string, message: string): void {
    for (const handler of this.nodes.get(node) ?? []) {
      queueMicrotask(() => {
        if (this.nodes.get(node)?.has(handler) === true) handler(message);
      });
    }
  }

  clear(): void {
    this.nodes.clear();
  }
}
