import type { Hub, HubClient, Principal } from '@pulsebeacon/hub';
import type { Publication, ServerMessage, WireError } from '@pulsebeacon/wire';
import type { EncodedPublication } from '#dist/encoded-publication.js';
import { messageJson } from '#dist/message-json.js';
import type { Outlet } from '#dist/outlet.js';
import { newSession, type Session } from '#dist/session-token.js';

const ORIGIN = { remoteAddress: '192.0.2.1', path: '/connect', httpVersion: '1.1' };

/** A client that notes what it is sent, and reads as far as the test lets it. */
export class TestOutlet implements Outlet {
  readonly transport: Outlet['transport'];
  readonly isOfOneChannel: boolean;
  /** Everything, in the order in which it came. */
  readonly log: (Publication | ServerMessage)[] = [];
  readonly json: string[] = [];
  queuedBytes = 0;
  /** It reads at once, whatever comes. */
  isReading = true;
  /** What each message takes in its queue. */
  size = 100;
  highWaterMark = 0;
  closedWith: WireError | undefined;
  /** It goes as soon as it is told to. */
  goes = true;
  client!: HubClient;
  /** Called with every publication. */
  onPublication: ((publication: Publication) => void) | undefined;

  constructor(isOfOneChannel = false, transport: Outlet['transport'] = 'websocket') {
    this.isOfOneChannel = isOfOneChannel;
    this.transport = transport;
  }

  get publications(): Publication[] {
    return this.log.filter((entry): entry is Publication => !('type' in entry));
  }

  get texts(): unknown[] {
    return this.publications.map(({ data }) => data);
  }

  get messages(): ServerMessage[] {
    return this.log.filter((entry): entry is ServerMessage => 'type' in entry);
  }

  of<T extends ServerMessage['type']>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.messages.filter((message): message is Extract<ServerMessage, { type: T }> => message.type === type);
  }

  publication({ publication }: EncodedPublication): boolean {
    this.log.push(publication);
    if (!this.isReading) this.queuedBytes += this.size;
    this.onPublication?.(publication);
    return this.queuedBytes <= this.highWaterMark;
  }

  message(message: ServerMessage): void {
    this.log.push(message);
    this.json.push(messageJson(message));
    if (!this.isReading) this.queuedBytes += this.size;
  }

  close(error: WireError): void {
    this.closedWith = error;
    if (this.goes) this.client.closed();
  }

  /** It stops reading; what comes next fills its queue. */
  stall(): void {
    this.isReading = false;
  }

  /** It reads everything, and goes on reading. */
  read(): void {
    this.isReading = true;
    this.queuedBytes = 0;
    this.client.drained();
  }
}

export interface TestClientOptions {
  readonly principal?: Principal;
  readonly session?: Session;
  readonly outlet?: TestOutlet;
}

export function connect(
  hub: Hub,
  { principal, session, outlet = new TestOutlet() }: TestClientOptions = {},
): TestOutlet {
  outlet.client = hub.connect(session ?? newSession(principal), outlet, ORIGIN);
  return outlet;
}
