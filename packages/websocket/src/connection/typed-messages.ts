import { CLOSE_INVALID_PAYLOAD } from '../protocol/close-codes.ts';
import { MAX_CONTROL_PAYLOAD } from '../protocol/opcodes.ts';
import { checkCloseArguments } from './arguments.ts';
import { type Codec, jsonCodec } from './codec.ts';
import type { Connection, MessageData, MessageKind, SendData, SendOptions, SendResult } from './connection.ts';
import { UsageError } from './errors.ts';
import { describeIssue, type SchemaIssue, type SchemaResult, type StandardSchema } from './standard-schema.ts';

/** A message that could not be decoded, or is not what the schema wants. */
export class InvalidMessageError extends Error {
  override readonly name = 'InvalidMessageError';
  readonly code = 'PB_VALUE_INVALID' as const;
  /** What the schema says of it; empty where it could not even be decoded, which `cause` tells of. */
  readonly issues: readonly SchemaIssue[];

  constructor(message: string, issues: readonly SchemaIssue[], options?: ErrorOptions) {
    super(message, options);
    this.issues = issues;
  }
}

/** What {@link TypedMessages} is made with. */
export interface TypedMessagesOptions<Received, Sent, C> {
  /** Default: JSON, see {@link jsonCodec}. */
  readonly codec?: Codec<Sent>;
  /** What is received is checked by it, and is what it makes of it. Default: everything that can be decoded is right. */
  readonly schema?: StandardSchema<Received>;
  /** A message that is right. An error that it throws closes the connection with 1011, as without types. */
  message?(connection: C, value: Received): unknown;
  /**
   * A message that is not: the close code for it (1007 by default, or 3000 to 4999 of the application's own), or a function
   * that returns one, or nothing where the connection may go on. The reason of the close is what is wrong.
   */
  readonly invalid?: number | ((connection: C, error: InvalidMessageError) => number | undefined | void);
}

/**
 * Messages that are values of a type, on top of any connection: `new WebSocketServer({ message: chat.message })`, and
 * `chat.send(connection, value)`.
 *
 * @typeParam Received what comes in
 * @typeParam Sent what goes out
 */
export class TypedMessages<Received = unknown, Sent = unknown, C extends Connection = Connection> {
  /** The `message` handler of a server, or of `connect`. For schemas that answer at once; see {@link receive}. */
  readonly message: (connection: C, data: MessageData, kind: MessageKind) => unknown;
  readonly #codec: Codec<Sent>;
  readonly #schema: StandardSchema<Received> | undefined;
  readonly #invalid: NonNullable<TypedMessagesOptions<Received, Sent, C>['invalid']>;

  /** @throws UsageError `PB_CLOSE_CODE_INVALID` where `invalid` is no code to close with */
  constructor(options: TypedMessagesOptions<Received, Sent, C> = {}) {
    const { codec = jsonCodec, schema, invalid = CLOSE_INVALID_PAYLOAD, message } = options;
    if (typeof invalid === 'number') checkCloseArguments(invalid, '');
    this.#codec = codec;
    this.#schema = schema;
    this.#invalid = invalid;
    this.message = (connection, data, kind) => {
      const value = this.#read(data, kind);
      if (isPromise(value)) {
        value.catch(() => {});
        throw new UsageError('PB_OPTION_INVALID', 'the schema is asynchronous: receive with a loop over receive()');
      }
      if (value instanceof InvalidMessageError) return this.#refuse(connection, value);
      return message?.call(options, connection, value.value);
    };
  }

  /** What {@link Connection.send} and `prepareMessage` take. */
  encode(value: Sent): SendData {
    return this.#codec.encode(value);
  }

  /** Sends a value as a message; see {@link Connection.send}. */
  send(connection: Pick<Connection, 'send'>, value: Sent, options?: SendOptions): SendResult {
    return connection.send(this.encode(value), undefined, options);
  }

  /**
   * Receives by pulling, as {@link Connection.messages} does; the schema may take its time. A message that is not right
   * ends it, unless `invalid` lets the connection go on.
   */
  async *receive(connection: C): AsyncGenerator<Received, void, undefined> {
    // The connection tells the kind by the type of the data: pulled messages are owned.
    for await (const data of connection.messages()) {
      const value = await this.#read(data, typeof data === 'string' ? 'text' : 'binary');
      if (!(value instanceof InvalidMessageError)) yield value.value;
      else if (this.#refuse(connection, value)) return;
    }
  }

  #read(data: MessageData, kind: MessageKind): Outcome<Received> | Promise<Outcome<Received>> {
    let decoded: unknown;
    try {
      decoded = this.#codec.decode(data, kind);
    } catch (cause) {
      return new InvalidMessageError(cause instanceof Error ? cause.message : String(cause), [], { cause });
    }
    if (this.#schema === undefined) return { value: decoded as Received };
    const result = this.#schema['~standard'].validate(decoded);
    return isPromise(result) ? result.then(judge) : judge(result);
  }

  /** @returns whether the connection closes */
  #refuse(connection: C, error: InvalidMessageError): boolean {
    const code = typeof this.#invalid === 'number' ? this.#invalid : this.#invalid(connection, error);
    if (code === undefined) return false;
    connection.close(code, fitReason(error.message));
    return true;
  }
}

type Outcome<Received> = { readonly value: Received } | InvalidMessageError;

function judge<Received>(result: SchemaResult<Received>): Outcome<Received> {
  if (result.issues === undefined) return result;
  return new InvalidMessageError(result.issues.map(describeIssue).join('; '), result.issues);
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Partial<Promise<T>>).then === 'function';
}

/** As much of it as fits into a close frame (RFC 6455 §5.5), in whole characters. */
function fitReason(text: string): string {
  const bytes = new Uint8Array(MAX_CONTROL_PAYLOAD - 2);
  const { read } = new TextEncoder().encodeInto(text, bytes);
  return text.slice(0, read);
}
