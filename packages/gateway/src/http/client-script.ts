import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { isKnown } from './pages.ts';

/** Where pages load the client library from. */
export const CLIENT_SCRIPT_PATH = '/client.js';

/** `@pulsebeacon/client` for pages, as one module: the file that its package ships, read once. */
export class ClientScript {
  private readonly body: Buffer;
  private readonly etag: string;

  private constructor(body: Buffer) {
    this.body = body;
    this.etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  }

  static async load(): Promise<ClientScript> {
    const text = await readFile(fileURLToPath(import.meta.resolve('@pulsebeacon/client')), 'utf8');
    // The map is for those who have the package; here it would be a 404 in every console.
    return new ClientScript(Buffer.from(text.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '\n')));
  }

  /** Answers a GET or HEAD. Pages of every origin may load it: there is nothing in it that is not public. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('ETag', this.etag);
    // Kept, but asked for each time: a new version of the program shows at once.
    response.setHeader('Cache-Control', 'no-cache');
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    if (isKnown(request.headers['if-none-match'], this.etag)) {
      response.writeHead(304).end();
      return;
    }
    response.setHeader('Content-Type', 'text/javascript; charset=utf-8');
    response.setHeader('Content-Length', this.body.length);
    response.writeHead(200).end(this.body);
  }
}
