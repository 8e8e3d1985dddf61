import { type EventSourceLike, globals } from '../platform.ts';

export interface SurroundingsOwner {
  wake(reason: string): void;
  networkChanged(reason: string): void;
}

/** Listens to what a browser tells of the network and of who looks; elsewhere there is nothing to hear. @returns ends it */
export function watchSurroundings(owner: SurroundingsOwner): () => void {
  const { document } = globals;
  // To end one costs Node more than a connection does: it is made for somebody who can be listened to.
  let abort: InstanceType<typeof globals.AbortController> | undefined;
  const listen = (target: EventSourceLike | undefined, type: string, listener: () => void): void =>
    target?.addEventListener?.(type, listener, (abort ??= new globals.AbortController()));
  const seen = (): void => {
    if (document?.visibilityState === 'visible') owner.wake('the page is seen again');
  };
  listen(globals, 'online', () => owner.networkChanged('the network is back'));
  listen(globals, 'pageshow', seen);
  listen(document, 'visibilitychange', seen);
  return () => abort?.abort();
}
