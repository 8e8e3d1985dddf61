import type { HeaderFields } from '../../handshake/header-fields.ts';

const SHOWN_BODY = 200;

/**
 * What an answer that refuses says for itself, on one line: the sentence and the code of its problem document (RFC 9457), the
 * title of its page, else the beginning of its body.
 */
export function saidByAnswer(body: string, headers: HeaderFields): string {
  const type = headers.get('content-type') ?? '';
  const said = /^text\/html\b/i.test(type)
    ? titleOf(body)
    : ((/^application\/problem\+json\b/i.test(type) ? sentenceOf(body) : undefined) ?? body);
  const text = said.trim().replaceAll(/\s+/g, ' ');
  return text.length > SHOWN_BODY ? `${text.slice(0, SHOWN_BODY)}…` : text;
}

/** Proxies and servers answer with a page, of which the rest is markup; empty where it has none. */
function titleOf(page: string): string {
  return /<title[^>]*>([^<]*)/i.exec(page)?.[1] ?? '';
}

function sentenceOf(body: string): string | undefined {
  try {
    const problem = JSON.parse(body) as Readonly<Record<string, unknown>> | null;
    const { detail, code } = problem ?? {};
    if (typeof detail !== 'string') return undefined;
    return typeof code === 'string' ? `${detail}, ${code}` : detail;
  } catch {
    // It calls itself a problem and is none, or was cut.
    return undefined;
  }
}
