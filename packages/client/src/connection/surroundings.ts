import { globals } from '../platform.ts';

export interface SurroundingsOwner {
  wake(reason: string): void;
  networkChanged(reason: string): void;
}

/** Listens to what a browser tells of the network and of who looks; elsewhere there is nothing to hear. @returns ends it */
export function watchSurroundings(owner: SurroundingsOwner): () => void {
  const { document } = globals;
  const abort = new globals.AbortController();
  const online = (): void => owner.networkChanged('the network is back');
  const seen = (): void => {
    if (document?.visibilityState === 'visible') owner.wake('the page is seen again');
  };
  globals.addEventListener?.('online', online, abort);
  globals.addEventListener?.('pageshow', seen, abort);
  document?.addEventListener?.('visibilitychange', seen, abort);
  return () => abort.abort();
}
