import { parseChannelName } from '@pulsebeacon/wire';
import { completeServer } from '../connect/address.ts';
import { Failure } from '../failure.ts';
import type { RemoteServer } from '../remote/server.ts';
import type { OptionGroup, OptionText } from './option-table.ts';
import { TLS_CLIENT, type TlsCommandOptions, tlsOf } from './tls-options.ts';
import { deadline, nonEmpty } from './values.ts';

const SERVER_VARIABLE = 'PULSEBEACON_SERVER';
const KEY_VARIABLE = 'PULSEBEACON_KEY';
const DEFAULT_SERVER = 'http://127.0.0.1:8080';

/** Which server, and who one is there: the options of the commands that talk to one. */
export interface RemoteCommandOptions extends Pick<TlsCommandOptions, 'ca' | 'insecure'> {
  readonly server?: string;
  readonly apiKey?: string;
  readonly timeout: number;
}

const SERVER: readonly OptionText[] = [
  {
    flags: '--server <url>',
    about: `where it runs; http://localhost may be left out: :8080 (default ${DEFAULT_SERVER}; ${SERVER_VARIABLE} in the environment)`,
    read: nonEmpty,
  },
  {
    flags: '--api-key <key>',
    about: `key to show; ${KEY_VARIABLE} in the environment keeps it out of the list of processes`,
    read: nonEmpty,
  },
  ...TLS_CLIENT,
  {
    flags: '--timeout <duration>',
    about: 'time for each attempt to be answered',
    read: deadline,
    byDefault: { value: 10_000, shown: '10s' },
  },
];

export const REMOTE: OptionGroup = ['Server:', SERVER];

/** What a header field has room for, and no space: a key has neither. */
const KEY = /^[!-~]+$/;

/** @throws Failure where the options, or the environment, do not name a server */
export function toRemoteServer(options: RemoteCommandOptions, env: NodeJS.ProcessEnv): RemoteServer {
  // Set but empty is how compose files say that there is nothing.
  const url = completeServer(options.server ?? (env[SERVER_VARIABLE] || DEFAULT_SERVER));
  const key = options.apiKey ?? (env[KEY_VARIABLE] || undefined);
  if (key !== undefined && !KEY.test(key)) {
    throw new Failure(`the key is not one: give it as pulsebeacon keys create prints it, in one piece`, 2);
  }
  return {
    base: url,
    headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
    tls: tlsOf(url.href, options, 'https'),
    timeout: options.timeout,
  };
}

/** @throws Failure where it is no name of a channel */
export function readChannel(text: string): string {
  try {
    return parseChannelName(text);
  } catch (error) {
    const remedy = text.includes('/') ? '; the server goes into --server' : '';
    throw new Failure(`${(error as Error).message}${remedy}`, 2);
  }
}
