import type { LinkMaker } from './link.ts';
import { HttpLinkMaker } from './http-link.ts';
import type { LoadPlan } from './plan.ts';
import { WebSocketLinkMaker } from './websocket-link.ts';

/** @param socketPath a Unix socket to go by, in place of where the target is */
export function linkMakerFor(plan: LoadPlan, socketPath?: string): LinkMaker {
  return plan.kind === 'websocket' ? new WebSocketLinkMaker(plan, socketPath) : new HttpLinkMaker(plan, socketPath);
}
