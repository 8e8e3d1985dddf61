import { isUtf8 } from 'node:buffer';
import {
  BINARY_TYPE,
  checkJsonPayload,
  JSON_TYPE,
  parsePayloadType,
  type PayloadType,
  TEXT_TYPE,
  WireError,
} from '@pulsebeacon/wire';
import { Failure } from '../failure.ts';

/** What is published, and what it is. */
export interface Payload {
  readonly body: Uint8Array;
  readonly contentType: string;
}

/** What payloads are said to be. @throws Failure where that cannot be */
export function readType(contentType: string | undefined, isJson: boolean): PayloadType | undefined {
  if (isJson && contentType !== undefined) {
    throw new Failure(`--json is --content-type ${JSON_TYPE}: give either`, 2);
  }
  const given = isJson ? JSON_TYPE : contentType;
  if (given === undefined) return undefined;
  try {
    return parsePayloadType(given);
  } catch (error) {
    throw new Failure(`--content-type: ${(error as Error).message}`, 2);
  }
}

/**
 * Bytes as a payload of a type; without one, they are text where they are UTF-8, else binary.
 * @param where they came from, for the sentence of what is wrong
 * @throws Failure where they are not what the type says
 */
export function toPayload(body: Uint8Array, type: PayloadType | undefined, where = ''): Payload {
  if (type === undefined) return { body, contentType: isUtf8(body) ? TEXT_TYPE : BINARY_TYPE };
  const { kind, contentType } = type;
  if (kind === 'binary') return { body, contentType };
  if (!isUtf8(body)) {
    throw new Failure(
      `${where}it is not UTF-8, so it cannot be ${contentType}: --content-type ${BINARY_TYPE} takes any bytes`,
    );
  }
  if (kind === 'json') checkJson(body, where);
  return { body, contentType };
}

function checkJson(body: Uint8Array, where: string): void {
  try {
    checkJsonPayload(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch (error) {
    throw error instanceof WireError ? new Failure(`${where}${error.message}`) : error;
  }
}
