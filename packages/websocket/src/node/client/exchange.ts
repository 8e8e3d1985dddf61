import type { Socket } from 'node:net';
import type { ByteStream } from '../../connection/byte-stream.ts';
import type { AnswerHead } from '../../handshake/answer-reader.ts';
import type { HeaderLine } from '../../handshake/header-input.ts';
import type { HttpVersion } from '../http-version.ts';
import type { Answer, Reaction } from './http-stream.ts';

/** A reaction to the head of an answer, as it comes. */
export type OnHead = (head: AnswerHead, bytes: Uint8Array, at: number, end: number) => Reaction;

/** No answer came, and nothing that would tell against asking again: by another way, where the old one has ended. */
export const UNANSWERED: unique symbol = Symbol('unanswered');

/** What {@link Exchange.ask} comes to: undefined where `onHead` has taken the stream. */
export type Asked = Answer | undefined | typeof UNANSWERED;

/** A request as it is written: over HTTP/1.1 as text, over HTTP/2 as fields. */
type RequestHead = string | readonly HeaderLine[];

/** What carries requests to one server, one after the other, until an answer opens the connection. */
export interface Exchange {
  readonly httpVersion: HttpVersion;
  /** It can carry another request. */
  readonly isAlive: boolean;
  /** The network connection, for its addresses. */
  readonly socket: Socket;
  /** Sends a request. Rejects with an OpeningFailure. */
  ask(head: RequestHead, onHead: OnHead): Promise<Asked>;
  /** What has come of a body has to do. @returns false where none is being read */
  finishBody(): boolean;
  /** An answer has opened the connection: this is what it is made of. */
  take(): ByteStream;
  /** It is of no more use: what is open of it ends. */
  destroy(): void;
}
