import type { HeaderFields } from '../../handshake/header-fields.ts';

const SHOWN_BODY = 200;

/**
 * What an answer that refuses says for itself, on one line: the sentence and the code of its problem document (RFC 9457), else
 * the beginning of its body.
 */
export function saidByAnswer(body: string, headers: HeaderFields): string {
  const text = (sentenceOf(body, headers) ?? body).trim().replaceAll(/\s+/g, ' ');
  return text.length > SHOWN_BODY ? `${text.slice(0, SHOWN_BODY)}…` : text;
}

function sentenceOf(body: string, headers: HeaderFields): string | undefined {
  if (!/^application\/problem\+json\b/i.test(headers.get('content-type') ?? '')) return undefined;
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
