// docs/reference/errors.md, from the tables of errors of @pulsebeacon/websocket and wire, and of the program.
import { table } from './markdown.mjs';
import { resolve } from './project.mjs';

const KINDS = {
  connection: {
    title: 'A connection that fails',
    about:
      'The `error` handler gets a `WebSocketError` with this `code`, and `close` follows. The peer gets the close code, unless it is 1006, which is never sent: the network connection is cut.',
    column: 'close code',
    value: ({ closeCode }) => closeCode,
  },
  refusal: {
    title: 'A handshake that is refused',
    about:
      'The answer is problem+json with this `code`, and the connection closes. The `refused` handler gets it too, with the values that decided.',
    column: 'status',
    value: ({ status }) => status,
  },
  connect: {
    title: 'A client that finds no server',
    about:
      'There was no answer to the opening handshake. `connect` rejects with a `HandshakeError` whose `cause` is what the operating system or TLS said.',
  },
  http: {
    title: 'HTTP that leads to no connection',
    about:
      'A login, a redirect or a proxy on the way to the connection failed. `connect` rejects with a `HandshakeError`, whose `hops` say what came before.',
  },
  answer: {
    title: "A server's answer that a client cannot accept",
    about:
      'The connection is not established: `connect` rejects with a `HandshakeError` that has `status`, `headers` and the start of the `body`.',
  },
  usage: {
    title: 'A call that cannot be carried out',
    about:
      'Thrown as `UsageError` or `HandshakeUsageError`; the message names the value, what is allowed, and the remedy.',
  },
};

function section(kind, entries) {
  const { title, about, column, value } = KINDS[kind];
  const head = ['code', ...(column === undefined ? [] : [column]), 'meaning', 'source', 'again?'];
  const rows = entries.map((entry) => [
    `\`${entry.code}\``,
    ...(value === undefined ? [] : [String(value(entry))]),
    entry.message,
    entry.section,
    entry.retry ? 'may help' : '',
  ]);
  return [`## ${title}`, '', about, '', ...table(head, rows), ''];
}

/** What hubs and clients tell each other: the status of an answer, the close code of a WebSocket, or neither. */
function wireSection(errors) {
  const rows = Object.entries(errors).map(([code, { status, closeCode, message, retry }]) => [
    `\`${code}\``,
    String(status),
    closeCode === undefined ? '' : String(closeCode),
    message,
    retry ? 'may help' : '',
  ]);
  return [
    '## What a hub tells its clients',
    '',
    'In problem+json, in `error` and `bye` messages ([protocol](wire-protocol.md#errors)): the status where it answers a request, the close code where it ends a WebSocket.',
    '',
    ...table(['code', 'status', 'close code', 'meaning', 'again?'], rows),
    '',
  ];
}

/** What `pulsebeacon serve` answers beside that, and what stands in its log. */
function programSection(problems) {
  const rows = Object.entries(problems).map(([code, { status, message }]) => [`\`${code}\``, String(status), message]);
  return [
    '## What the program answers',
    '',
    'In problem+json, by `pulsebeacon serve` itself: pages, `/echo`, `/live`, `/metrics`, and whoever may not come in.',
    '',
    ...table(['code', 'status', 'meaning'], rows),
    '',
    'Its log has more: `PB_MESSAGE_RATE` where `/echo` closes a client with 1008 that sends more than `--message-rate` allows,',
    '`PB_CONNECTIONS` where a connection is dropped before it says anything, because `--max-connections` are open,',
    '`PB_HTTP2_FLOOD` where a session of HTTP/2 is ended for too many resets or control frames, `PB_PROXY_PROTOCOL` where a',
    'connection is cut off that does not begin with the PROXY protocol of a trusted proxy, though `--proxy-protocol` asks for it.',
    '',
  ];
}

/** The whole page. */
export async function errorsPage() {
  const { ERRORS } = await import('@pulsebeacon/websocket');
  const { WIRE_ERRORS } = await import('@pulsebeacon/wire');
  const { PROBLEMS } = await import(`file://${resolve('packages/gateway/dist/http/problems.js')}`);
  const lines = [
    '# Errors',
    '',
    'Every code is stable: it never changes meaning and is never used again for something else. "Again?" says whether the',
    'same may succeed when tried again unchanged. This page is made from the tables in the code by `node scripts/reference.mjs`.',
    '',
    ...Object.keys(KINDS).flatMap((kind) =>
      section(
        kind,
        ERRORS.filter((entry) => entry.kind === kind),
      ),
    ),
    ...wireSection(WIRE_ERRORS),
    ...programSection(PROBLEMS),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
