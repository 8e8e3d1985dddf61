import type { ServerConnection } from '@pulsebeacon/websocket';
import { type ServerMessage, WireError } from '@pulsebeacon/wire';
import type { HubLimits } from '../limits.ts';
import { TokenBucket } from '../token-bucket.ts';
import { EnvelopeWebSocketOutlet } from './websocket-outlet.ts';

/** Notices who goes on to send too much: twice the rate is told so each time, and beyond that the connection ends. */
export class WatchfulOutlet extends EnvelopeWebSocketOutlet {
  private readonly patience: TokenBucket | undefined;
  private readonly onFlood: (flood: WireError) => void;

  constructor(connection: ServerConnection<unknown>, limits: HubLimits, onFlood: (flood: WireError) => void) {
    super(connection);
    const { commandRate, commandBurst } = limits;
    this.patience =
      commandRate === Infinity ? undefined : new TokenBucket(commandRate, commandBurst, performance.now());
    this.onFlood = onFlood;
  }

  override message(message: ServerMessage): void {
    super.message(message);
    if (message.type !== 'error' || message.code !== 'PB_RATE') return;
    if (this.patience?.take(performance.now()) !== false) return;
    this.onFlood(new WireError('PB_RATE', 'the client goes on to send more messages than may come in this time'));
  }
}
