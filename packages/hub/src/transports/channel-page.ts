import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { matchesEtag } from '../http/negotiation.ts';
import type { HubRequest } from '../http/request.ts';
import { SCRIPT } from './channel-page/script.ts';
import { STYLE } from './channel-page/style.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');

/** The same for all channels: it knows by its own address which one it shows. */
const PAGE: Buffer = Buffer.from(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>live</title>
<style>${STYLE}</style>
<main>
<header><h1 id="name"></h1><p id="state" role="status" data-state="waiting">connecting</p></header>
<form id="form">
<textarea id="text" rows="1" aria-label="What to publish" placeholder="Publish something" autofocus></textarea>
<button id="publish">Publish</button>
</form>
<p id="note" role="status"></p>
<ol id="list" aria-label="Publications, the newest first"><li class="empty">Nothing has been published yet.</li></ol>
<footer>The same channel from a shell:<code id="curl"></code></footer>
</main>
<noscript>The page needs JavaScript; ?as=json shows the history without.</noscript>
<script>${SCRIPT}</script>
</html>
`);

/** Nothing runs and nothing is loaded but what is in the page; it talks to where it comes from, and stands in no frame. */
const POLICY: string = [
  "default-src 'none'",
  `script-src 'sha256-${sha256(SCRIPT)}'`,
  `style-src 'sha256-${sha256(STYLE)}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const ETAG = `"${sha256(PAGE.toString()).slice(0, 22)}"`;

/** Answers with a page that shows a channel live, and publishes in it. */
export function answerPage(request: HubRequest, response: ServerResponse): void {
  response.setHeader('Content-Security-Policy', POLICY);
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cache-Control', 'no-cache');
  response.setHeader('ETag', ETAG);
  if (matchesEtag(request.header('if-none-match'), ETAG)) {
    response.statusCode = 304;
    response.end();
    return;
  }
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.setHeader('Content-Length', PAGE.length);
  response.end(PAGE);
}
