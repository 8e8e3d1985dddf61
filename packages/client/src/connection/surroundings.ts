import { globals } from '../platform.ts';

export interface SurroundingsOwner {
  wake(reason: string): void;
  networkChanged(reason: string): void;
}

/** Listens to what a browser tells of the network and of who looks; elsewhere there is nothing to hear. @returns ends it */
export function watchSurroundings(owner: SurroundingsOwner): () => void {
  const { document } = globals;
  const online = (): void => owner.networkChanged('the network is back');
  const seen = (): void => {
    if (document?.visibilityState === 'visible') owner.wake('the page is seen again');
  };
  globals.addEventListener?.('online', online);
  globals.addEventListener?.('pageshow', seen);
  document?.addEventListener?.('visibilitychange', seen);
  return () => {
    globals.removeEventListener?.('online', online);
    globals.removeEventListener?.('pageshow', seen);
    document?.removeEventListener?.('visibilitychange', seen);
  };
}
