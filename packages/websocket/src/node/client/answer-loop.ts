import type { AnswerHead } from '../../handshake/answer-reader.ts';
import { HeaderFields } from '../../handshake/header-fields.ts';
import { maskUrl } from '../masked-urls.ts';
import type { Aim } from './aim.ts';
import type { HttpSettings } from './http-options.ts';
import { OpeningFailure } from './opening-failure.ts';
import { followRedirect, REDIRECT_STATUSES, type Redirect } from './redirects.ts';
import { parseRetryAfter } from './retry-after.ts';

/** What an answer says to do, where it did not open the connection. */
export type NextStep =
  /** The same again, with what the challenge asked for. */
  | { readonly type: 'again' }
  | { readonly type: 'redirect'; readonly redirect: Redirect }
  /** The same again, after so many milliseconds. */
  | { readonly type: 'wait'; readonly delay: number };

const AGAIN: NextStep = { type: 'again' };

/** Reads what the answers of HTTP say to do (RFC 9110 §11, §15), and for how long that is followed. */
export class AnswerLoop {
  private readonly settings: HttpSettings;
  private readonly visited = new Set<string>();
  private redirects = 0;
  private retries = 0;

  constructor(settings: HttpSettings) {
    this.settings = settings;
  }

  /** Whether there will be another request after this answer, as far as its head can tell. */
  mayGoOn({ status, rawHeaders }: AnswerHead): boolean {
    const { redirects, retries } = this.settings;
    if (status === 401 || status === 407) return true;
    if (REDIRECT_STATUSES.has(status)) return redirects.max > 0;
    const isLater = status === 503 || status === 429;
    return isLater && this.retries < retries.max && new HeaderFields(rawHeaders).has('retry-after');
  }

  /** @throws OpeningFailure where the answer is the last one */
  async read({ status }: AnswerHead, fields: HeaderFields, aim: Aim): Promise<NextStep> {
    if (status === 401) {
      if (await aim.authenticator.answer(fields)) return AGAIN;
      throw new OpeningFailure('PB_ANSWER_STATUS');
    }
    aim.authenticator.accept(fields);
    if (REDIRECT_STATUSES.has(status) && this.settings.redirects.max > 0) {
      return { type: 'redirect', redirect: this.redirect(fields, aim) };
    }
    return { type: 'wait', delay: this.delayOf(status, fields) };
  }

  private redirect(fields: HeaderFields, { target }: Aim): Redirect {
    const { redirects, cookieJar } = this.settings;
    const { max, allowDowngrade } = redirects;
    if (++this.redirects > max) throw new OpeningFailure('PB_REDIRECT_TOO_MANY', { detail: `redirects.max is ${max}` });
    this.visited.add(target.url);
    const redirect = followRedirect(target, fields.getAll('location'), allowDowngrade);
    // The answer set cookies: the same address may answer otherwise now.
    if (cookieJar !== undefined && fields.has('set-cookie')) this.visited.clear();
    if (this.visited.has(redirect.target.url)) {
      throw new OpeningFailure('PB_REDIRECT_LOOP', { detail: `back to ${maskUrl(redirect.target.url)}` });
    }
    return redirect;
  }

  /** As Retry-After says, where that is allowed. @throws OpeningFailure where it is not */
  private delayOf(status: number, fields: HeaderFields): number {
    const { max, maxWait } = this.settings.retries;
    const seconds = parseRetryAfter(fields.get('retry-after'), Date.now());
    const isWorthIt = (status === 503 || status === 429) && seconds !== undefined && seconds * 1000 <= maxWait;
    if (!isWorthIt || this.retries >= max) throw new OpeningFailure('PB_ANSWER_STATUS');
    this.retries++;
    return seconds * 1000;
  }
}
