// All that this package uses of browsers, workers and Node. What is not declared here is not there for it.

/** An event of a WebSocket: the fields of those that are looked at. */
export interface SocketEvent {
  readonly type?: string;
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
}

/** A WebSocket as the WHATWG has it: that of browsers, of Node from 22 on, and of `@pulsebeacon/websocket`. */
export interface SocketLike {
  readonly bufferedAmount: number;
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: SocketEvent) => void): void;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketClass = new (url: string) => SocketLike;

export interface AnswerLike {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: { getReader(): ReaderLike; cancel(): Promise<void> } | null;
  text(): Promise<string>;
}

export interface ReaderLike {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignalLike;
  readonly cache?: 'no-store';
  readonly credentials?: Credentials;
  readonly mode?: 'cors' | 'no-cors';
}

/** Whether cookies go along, as for `fetch`. */
export type Credentials = 'omit' | 'same-origin' | 'include';

export interface AbortSignalLike {
  readonly aborted: boolean;
}

/** `fetch` as a caller gives it: what it is called with is as the standard has it. */
export type FetchFunction = (url: string, options: never) => Promise<AnswerLike>;

export type FetchLike = (url: string, options?: RequestOptions) => Promise<AnswerLike>;

export interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export interface EventSourceLike {
  /** The listener is gone once the signal is aborted. */
  addEventListener?(type: string, listener: () => void, options: { readonly signal: AbortSignalLike }): void;
}

/** The globals, where they are there. */
export interface Globals extends EventSourceLike {
  readonly fetch?: FetchLike;
  readonly WebSocket?: SocketClass;
  readonly localStorage?: StorageLike;
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: EventSourceLike & { readonly visibilityState: string; readonly baseURI: string };
  readonly location?: { readonly href: string; readonly origin: string };
  readonly crypto: { getRandomValues(bytes: Uint8Array): Uint8Array };
  readonly performance: { now(): number };
  readonly console: { error(...values: readonly unknown[]): void };
  readonly URL: new (url: string, base?: string) => UrlLike;
  readonly AbortSignal: { timeout(ms: number): AbortSignalLike };
  readonly AbortController: new () => { readonly signal: AbortSignalLike; abort(): void };
  readonly TextDecoder: new () => { decode(bytes?: Uint8Array, options?: { stream: boolean }): string };
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  atob(text: string): string;
  btoa(text: string): string;
}

export interface UrlLike {
  protocol: string;
  readonly pathname: string;
  readonly search: string;
  readonly host: string;
  readonly href: string;
}

export const globals: Globals = globalThis as unknown as Globals;

/** Milliseconds, by a clock that only goes forward. */
export const now = (): number => globals.performance.now();

/** At the end of the turn. Node makes more of `queueMicrotask`. @param task throws nothing */
export const soon = (task: () => void): void => void Promise.resolve().then(task);

/** An error that nobody waits for is thrown where the platform reports it, and not into what was going on. */
export function throwLater(error: unknown): void {
  globals.setTimeout(() => {
    throw error;
  }, 0);
}
