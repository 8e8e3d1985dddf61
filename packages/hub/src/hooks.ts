import type { HubHooks } from './hub-options.ts';

/** The hooks that are told of something and decide nothing. */
const NOTICES = ['opened', 'closed', 'delivered', 'refused', 'limited', 'handshake'] as const;

type Notice = (...args: never[]) => void;

/** The same hooks, of which those that decide nothing do not throw. */
export function guardHooks(hooks: HubHooks, onFailed: (error: unknown) => void): HubHooks {
  const guarded = Object.create(hooks) as Record<string, Notice | undefined>;
  for (const name of NOTICES) guarded[name] = guard(hooks[name]?.bind(hooks), onFailed);
  guarded['failed'] = guard(hooks.failed?.bind(hooks), warn);
  return guarded;
}

function guard(hook: Notice | undefined, onFailed: (error: unknown) => void): Notice | undefined {
  if (hook === undefined) return undefined;
  return (...args) => {
    try {
      hook(...args);
    } catch (error) {
      onFailed(error);
    }
  };
}

/** What becomes of an error that nobody has asked to be told of. */
export function warn(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(text, { type: 'HubWarning', code: 'PB_HUB_FAILED' });
}
