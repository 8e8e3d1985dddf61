import type { ServerResponse } from 'node:http';
import { WireError } from '@pulsebeacon/wire';
import type { Hub } from '../hub.ts';
import { answerRefusal, refusalOf } from './problems.ts';
import type { HubRequest } from './request.ts';

/**
 * Answers a POST that is refused whatever it says: nobody else may come in now, or a page of a foreign origin sent it.
 * @param isLive whether the client would stay
 * @returns whether it was refused
 */
export function refuseWrite(hub: Hub, request: HubRequest, response: ServerResponse, isLive: boolean): boolean {
  const refusal = hub.hooks.admit?.(request, isLive);
  if (refusal !== undefined) {
    answerRefusal(request, response, refusal);
    return true;
  }
  const reason = hub.crossOrigin.whyNotWrite(request);
  if (reason === undefined) return false;
  // The log says more than a page is told that may not.
  hub.onRefused(new WireError('PB_ORIGIN_FORBIDDEN', reason), request.toOrigin());
  answerRefusal(request, response, refusalOf(hub, new WireError('PB_ORIGIN_FORBIDDEN')));
  return true;
}
