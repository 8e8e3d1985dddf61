import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import type { TestContext } from 'node:test';
import { Http2ByteStream, resetStream, ServerHttp2ByteStream } from '#dist/node/http2-stream.js';
import { byteStreamContract } from '../support/byte-stream-contract.ts';
import { TLS } from '../support/certificate.ts';

interface Ends {
  readonly server: http2.ServerHttp2Stream;
  readonly client: http2.ClientHttp2Stream;
}

/** Both ends of a stream that a CONNECT has opened. */
async function openStream(t: TestContext, secure: boolean): Promise<Ends> {
  const settings = { enableConnectProtocol: true };
  const host = secure ? http2.createSecureServer({ ...TLS, settings }) : http2.createServer({ settings });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  const { port } = host.address() as net.AddressInfo;
  const authority = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`;
  const session = http2.connect(authority, { rejectUnauthorized: false }).on('error', () => {});
  t.after(() => {
    session.destroy();
    host.close();
  });
  await once(session, 'remoteSettings');
  const client = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/' });
  const [server] = (await once(host, 'stream')) as [http2.ServerHttp2Stream];
  // A server that has said everything and reads nothing would reset the stream.
  server.read(0);
  server.respond({ ':status': 200 });
  await once(client, 'response');
  return { server, client };
}

const reset = (stream: http2.Http2Stream) => (): void => resetStream(stream);

byteStreamContract('Http2ByteStream of a server, over TLS', async (t) => {
  const { server, client } = await openStream(t, true);
  return { stream: new ServerHttp2ByteStream(server), peer: client, reset: reset(client) };
});

byteStreamContract('Http2ByteStream of a client, over TCP', async (t) => {
  const { server, client } = await openStream(t, false);
  return { stream: new Http2ByteStream(client), peer: server, reset: reset(server) };
});
