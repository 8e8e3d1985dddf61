import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { isKnown } from './pages.ts';

/** Where pages load the client library from; the second imports the first. */
const MODULES = {
  '/client.js': '@pulsebeacon/client',
  '/client-websocket.js': '@pulsebeacon/client/websocket',
} as const;

/** `@pulsebeacon/client` for pages: the files that its package ships, each of them one module, read once. */
export async function loadClientScripts(): Promise<ReadonlyMap<string, ClientScript>> {
  const scripts = Object.entries(MODULES).map(
    async ([path, specifier]) => [path, await ClientScript.load(specifier)] as const,
  );
  return new Map(await Promise.all(scripts));
}

/** One of these files. */
export class ClientScript {
  private readonly body: Buffer;
  private readonly etag: string;

  private constructor(body: Buffer) {
    this.body = body;
    this.etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  }

  /** @param specifier of the module, as programs import it */
  static async load(specifier: string): Promise<ClientScript> {
    const text = await readFile(fileURLToPath(import.meta.resolve(specifier)), 'utf8');
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
