import type { Refusal } from '@pulsebeacon/websocket';
import { WireError } from '@pulsebeacon/wire';
import type { Hub } from '../hub.ts';
import { refusalOf } from './problems.ts';
import type { HubRequest } from './request.ts';

/**
 * Why a POST is refused whatever it says: nobody else may come in now, or a page of a foreign origin sent it.
 * @param isLive whether the client would stay
 * @returns undefined where it is not
 */
export function findWriteRefusal(hub: Hub, request: HubRequest, isLive: boolean): Refusal | undefined {
  const refusal = hub.hooks.admit?.(request, isLive);
  if (refusal !== undefined) return refusal;
  const reason = hub.crossOrigin.whyNotWrite(request);
  if (reason === undefined) return undefined;
  // The log says more than a page is told that may not.
  hub.onRefused(new WireError('PB_ORIGIN_FORBIDDEN', reason), request.toOrigin());
  return refusalOf(hub, new WireError('PB_ORIGIN_FORBIDDEN'));
}
