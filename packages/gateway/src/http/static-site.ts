import type { IncomingMessage, ServerResponse } from 'node:http';
import send from 'send';
import { type ProblemCode, sendProblem } from './problems.ts';

/** What the library that sends the files says where it cannot. */
interface SendError {
  readonly status?: number;
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const CODES: Readonly<Record<number, ProblemCode>> = {
  400: 'PB_REQUEST_INVALID',
  403: 'PB_NOT_FOUND',
  404: 'PB_NOT_FOUND',
  412: 'PB_PRECONDITION_FAILED',
  416: 'PB_RANGE_NOT_SATISFIABLE',
};

/**
 * A folder, served as a site: `index.html` for folders, types by extension, Range, ETag and Last-Modified. Nothing
 * above the folder, and no name that begins with a dot (`.git`, `.env`), except below `/.well-known` (RFC 8615).
 */
export class StaticSite {
  private readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /**
   * Answers a GET or HEAD.
   * @param path of the request target, percent-encoded as received
   * @param onFailure told of faults of this server
   */
  serve(path: string, request: IncomingMessage, response: ServerResponse, onFailure: (error: unknown) => void): void {
    if (hasHiddenSegment(path)) {
      sendProblem(response, 'PB_NOT_FOUND');
      return;
    }
    send(request, path, { root: this.root, index: 'index.html', dotfiles: 'allow' })
      .on('error', (error: SendError) => {
        const code = CODES[error.status ?? error.statusCode ?? 500];
        if (code === undefined) onFailure(error);
        // Too late to say so, where a part is on its way.
        if (response.headersSent) response.destroy();
        else sendProblem(response, code ?? 'PB_INTERNAL', { headers: rangeOf(error) });
      })
      .pipe(response);
  }
}

/** A 416 says how long the file is (RFC 9110 §15.5.17). */
function rangeOf({ headers }: SendError): Record<string, string> {
  const range = headers?.['Content-Range'];
  return range === undefined ? {} : { 'Content-Range': range };
}

function hasHiddenSegment(path: string): boolean {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // It is answered with 400 where the file is looked for.
    return false;
  }
  return decoded
    .split(/[/\\]/)
    .some((segment, index) => segment.startsWith('.') && !(index === 1 && segment === '.well-known'));
}
