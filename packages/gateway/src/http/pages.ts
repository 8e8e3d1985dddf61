import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pageHeaders } from './security-headers.ts';

const FOLDER = fileURLToPath(new URL('../../pages/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
};

/** What has a digest in its name is that for ever; the rest is kept, but asked for each time, so that a new version shows. */
const HASHED = /^assets\//;
const FOR_EVER = 'public, max-age=31536000, immutable';
const ASK_AGAIN = 'no-cache';

interface Page {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
  readonly cacheControl: string;
}

/** The program's own pages and what belongs to them: a few small files, read once and served from memory. */
export class Pages {
  /** By path below the folder. */
  private readonly pages: ReadonlyMap<string, Page>;

  private constructor(pages: ReadonlyMap<string, Page>) {
    this.pages = pages;
  }

  static async load(folder: string = FOLDER): Promise<Pages> {
    const pages = new Map<string, Page>();
    for (const file of await readdir(folder, { recursive: true })) {
      const type = TYPES[path.extname(file)];
      if (type === undefined) continue;
      const name = file.replaceAll(path.sep, '/');
      const body = await readFile(path.join(folder, file));
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      pages.set(name, { body, type, etag, cacheControl: HASHED.test(name) ? FOR_EVER : ASK_AGAIN });
    }
    return new Pages(pages);
  }

  has(name: string): boolean {
    return this.pages.has(name);
  }

  /**
   * Answers a GET or HEAD for a page that {@link has} knows: with it, or with 304 where the client has it already.
   * @param host for whom it is served; it has passed the policy
   */
  serve(name: string, host: string | undefined, request: IncomingMessage, response: ServerResponse): void {
    const { body, type, etag, cacheControl } = this.pages.get(name)!;
    for (const [field, value] of pageHeaders(host)) response.setHeader(field, value);
    response.setHeader('ETag', etag);
    response.setHeader('Cache-Control', cacheControl);
    if (isKnown(request.headers['if-none-match'], etag)) {
      response.writeHead(304).end();
      return;
    }
    response.setHeader('Content-Type', type);
    response.setHeader('Content-Length', body.length);
    response.writeHead(200).end(body);
  }
}

/** Whether If-None-Match (RFC 9110 §13.1.2) names this entity tag, by the weak comparison. */
export function isKnown(field: string | undefined, etag: string): boolean {
  if (field === undefined) return false;
  if (field.trim() === '*') return true;
  return field.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}
