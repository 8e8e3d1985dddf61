import type { IncomingMessage, ServerResponse } from 'node:http';
import { HubRequest } from '@pulsebeacon/hub';
import type { TrustedProxies } from '@pulsebeacon/websocket';
import { WireError } from '@pulsebeacon/wire';
import type { GatewayAuthenticator } from '../access/authenticator.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { closeAfter } from './close-after.ts';
import { sendJson, sendProblem, sendWireError } from './problems.ts';

export interface OperationsParts {
  readonly authenticator: GatewayAuthenticator;
  readonly metrics: Metrics;
  readonly proxies: TrustedProxies | undefined;
  isDraining(): boolean;
  /** Something failed while the figures were read. */
  onFailed(error: unknown): void;
}

/** What is for those who run the server: whether it lives, whether it takes more, and its figures. */
export class Operations {
  private readonly parts: OperationsParts;

  constructor(parts: OperationsParts) {
    this.parts = parts;
  }

  /**
   * `/healthz`: the process lives. `/readyz`: it takes new clients; no more once it drains, so that a balancer sends them
   * elsewhere. Whoever asks may call the server by any name.
   */
  answerHealth(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (!this.parts.isDraining()) return sendJson(response, { status: 'ok' });
    closeAfter(request, response);
    return sendJson(response, { status: 'draining' }, path === '/readyz' ? 503 : 200);
  }

  /** `/metrics`, in the text format of Prometheus. */
  answerMetrics(incoming: IncomingMessage, response: ServerResponse): void {
    const { authenticator, metrics, onFailed } = this.parts;
    if (!this.isAllowed(incoming, response, authenticator)) return;
    const answer = async (): Promise<void> => {
      const body = await metrics.text();
      response.setHeader('Content-Type', metrics.contentType);
      response.setHeader('Cache-Control', 'no-store');
      response.setHeader('Content-Length', Buffer.byteLength(body));
      response.writeHead(200).end(body);
    };
    answer().catch((error: unknown) => {
      onFailed(error);
      response.destroy();
    });
  }

  private isAllowed(incoming: IncomingMessage, response: ServerResponse, authenticator: GatewayAuthenticator): boolean {
    const request = HubRequest.of(incoming, this.parts.proxies);
    try {
      const by = request && authenticator.identify(request);
      if (by?.isAdmin === true) return true;
      if (request !== undefined && by === undefined) {
        throw new WireError(
          'PB_UNAUTHENTICATED',
          `a key is needed here, with the right admin: ${authenticator.remedy}`,
        );
      }
      sendProblem(response, 'PB_ADMIN_ONLY');
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      sendWireError(response, error, authenticator.challenge);
    }
    return false;
  }
}
