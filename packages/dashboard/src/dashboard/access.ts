// The key of whoever looks, and requests that bring it along.

const KEPT_AS = 'pulsebeacon-dashboard-key';

/** The server does not let us in. */
export class Refused extends Error {
  /** Whether a key was brought, and does not do. */
  readonly hadKey: boolean;

  constructor(detail: string, hadKey: boolean) {
    super(detail);
    this.hadKey = hadKey;
  }
}

/** The server says no, for another reason. */
export class Problem extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** The key of this tab; it goes with it. */
export const key = {
  get text(): string | undefined {
    return sessionStorage.getItem(KEPT_AS) ?? undefined;
  },
  keep(text: string): void {
    sessionStorage.setItem(KEPT_AS, text);
  },
  forget(): void {
    sessionStorage.removeItem(KEPT_AS);
  },
};

/** The value of Authorization, where there is a key. */
export function authorization(): string | undefined {
  const { text } = key;
  return text === undefined ? undefined : `Bearer ${text}`;
}

/**
 * Asks for a resource of the dashboard.
 * @param path below `/dashboard/`
 * @throws {Refused} where a key is needed; {@link Problem}; TypeError where there is no answer
 */
export async function ask<T>(path: string, method: 'GET' | 'DELETE' = 'GET'): Promise<T> {
  const bearer = authorization();
  const response = await fetch(`/dashboard/${path}`, {
    method,
    cache: 'no-store',
    headers: bearer === undefined ? {} : { Authorization: bearer },
  });
  if (response.status === 204) return undefined as T;
  const body: unknown = await response.json().catch(() => ({}));
  if (response.ok) return body as T;
  const { detail = response.statusText } = body as { detail?: string };
  if (response.status === 401 || response.status === 403) throw new Refused(detail, bearer !== undefined);
  throw new Problem(response.status, detail);
}
