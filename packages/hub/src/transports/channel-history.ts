import { formatPosition, type Position, type Publication, quote, readPosition, WireError } from '@pulsebeacon/wire';
import { answerJson } from '../http/answers.ts';
import { isGone } from '../http/http2-response.ts';
import { matchesEtag } from '../http/negotiation.ts';
import { endAnswer } from '../http/turn.ts';
import { fitPage } from '../history-page.ts';
import { storedSize } from '../stored-size.ts';

import { KEY_FIELD, setPosition, TIME_FIELD } from './channel-fields.ts';
import type { ChannelReading } from './channel-reading.ts';
import { TEXT_LINES } from './channel-stream.ts';

/** Answers with a page of what is kept, as JSON or as lines of text. @throws {WireError} where the client may not */
export async function answerHistory(reading: ChannelReading): Promise<void> {
  const { hub, response, channel, session, wanted } = reading;
  const { since, limit } = wanted;
  const page = await hub.history(channel, { since, limit }, session);
  if (isGone(response)) return;
  const isText = wanted.form === 'text';
  const size = isText ? storedSize : hub.encodings.jsonBytes;
  const { publications, more } = fitPage(page, since !== undefined, hub.limits.maxQueuedBytes, size);
  const last = publications.at(-1);
  // Up to where the answer is complete: that is where its reader goes on.
  const position = more && last !== undefined ? last : page.top;
  const most = limit === undefined ? '' : `&limit=${limit}`;
  const next = more ? `since=${formatPosition(position)}${most}` : `since=${formatPosition(position)}&wait=25`;
  setPosition(response, position, next);
  const etag = `"${formatPosition(position)}-${publications[0]?.offset ?? 0}-${publications.length}${
    page.complete ? '' : '-i'
  }${more ? '-m' : ''}${isText ? '-t' : ''}"`;
  answerBytes(reading, etag, isText ? TEXT_LINES.contentType : 'application/json', () =>
    isText
      ? Buffer.concat(publications.map((publication) => TEXT_LINES.publication(hub.encodings.get(publication))))
      : encodePage(reading, publications, position, page.complete, more),
  );
}

function encodePage(
  { hub, channel }: ChannelReading,
  publications: readonly Publication[],
  position: Position,
  complete: boolean,
  more: boolean,
): Buffer {
  const head = JSON.stringify({ channel, position: formatPosition(position), complete, more }).slice(0, -1);
  const lines = publications.map((publication) => hub.encodings.get(publication).json).join(',\n');
  return Buffer.from(`${head},"publications":[${lines === '' ? '' : `\n${lines}\n`}]}\n`);
}

/**
 * Answers with one publication, the newest or that of a position: its bytes as they were published, or with `as=json` in
 * its envelope.
 * @throws {WireError} `PB_NO_PUBLICATION`
 */
export async function answerPublication(reading: ChannelReading): Promise<void> {
  const { hub, response, wanted } = reading;
  const publication = await (wanted.what === 'at' ? findAt(reading, wanted.position!) : findLast(reading));
  if (isGone(response)) return;
  const position = formatPosition(publication);
  setPosition(response, publication, `since=${position}&wait=25`);
  response.setHeader(TIME_FIELD, publication.time);
  response.setHeader('Last-Modified', new Date(publication.time).toUTCString());
  if (publication.key !== undefined) response.setHeader(KEY_FIELD, encodeURIComponent(publication.key));
  if (wanted.form === 'json') {
    answerBytes(reading, `"${position}-j"`, 'application/json', () =>
      Buffer.from(`${hub.encodings.get(publication).json}\n`),
    );
    return;
  }
  // Somebody may have published a page with a script in it: here it is shown, and can do nothing.
  response.setHeader(
    'Content-Security-Policy',
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
  );
  answerBytes(reading, `"${position}"`, publication.contentType, () => Buffer.from(publication.data as string));
}

async function findLast({ hub, channel, session }: ChannelReading): Promise<Publication> {
  const { publications } = await hub.history(channel, { limit: 1 }, session);
  const last = publications.at(-1);
  if (last !== undefined) return last;
  throw new WireError('PB_NO_PUBLICATION', `nothing is kept of ${channel}, or nothing was published in it`);
}

async function findAt({ hub, channel, session }: ChannelReading, text: string): Promise<Publication> {
  const position = readPosition(text);
  if (position === undefined || position.offset === 0) {
    throw new WireError('PB_POSITION_INVALID', `at is ${quote(text)}: give the position of a publication`);
  }
  const { epoch, offset } = position;
  const since = { position: { epoch, offset: offset - 1 } };
  const { publications } = await hub.history(channel, { since, limit: 1 }, session);
  const [found] = publications;
  if (found?.epoch === epoch && found.offset === offset) return found;
  throw new WireError('PB_NO_PUBLICATION', `nothing is kept of ${channel} at ${text}`);
}

/** Answers with who is present. @throws {WireError} `PB_NO_PRESENCE` */
export async function answerPresence({ hub, response, channel, session }: ChannelReading): Promise<void> {
  const members = await hub.members(channel, session);
  if (isGone(response)) return;
  answerJson(hub.limits, response, `${JSON.stringify({ channel, members })}\n`);
}

/** 304 where the client has it already, else the bytes; for HEAD their length alone. */
function answerBytes(
  { hub, request, response, channel }: ChannelReading,
  etag: string,
  contentType: string,
  encode: () => Buffer,
): void {
  const { subscribe, readHistory } = hub.namespaces.rulesOf(channel);
  const isPublic = subscribe === 'anyone' && readHistory === 'anyone';
  response.setHeader('ETag', etag);
  response.setHeader('Cache-Control', isPublic ? 'no-cache' : 'private, no-cache');
  if (matchesEtag(request.header('if-none-match'), etag)) {
    response.statusCode = 304;
    response.end();
    return;
  }
  const body = encode();
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', body.length);
  endAnswer(hub.limits, response, body);
}
