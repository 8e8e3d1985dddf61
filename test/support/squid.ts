import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeAccounts } from './accounts.ts';
import { type Scope, temporaryFolder } from './cleanup.ts';
import { found } from './environment.ts';
import { onFreePort } from './listening.ts';
import { Program } from './program.ts';

const HELPERS = '/usr/lib/squid';

export interface SquidOptions {
  /** Where it sends a line by TCP for each request that is over. Default: nowhere. */
  readonly logPort?: number;
  /** It passes on Upgrade: websocket in requests that it is to forward itself, too, and keeps /internal closed. Default false. */
  readonly upgrades?: boolean;
  /** Seconds of silence after which it ends a connection. Default: as squid has it, 15 minutes. */
  readonly idle?: number;
}

/** squid, which opens tunnels to any port for those who say who they are by one of these schemes. */
export async function startSquid(
  scope: Scope,
  schemes: readonly ('basic' | 'digest')[],
  { logPort, upgrades = false, idle }: SquidOptions = {},
): Promise<number> {
  const folder = await temporaryFolder(scope);
  const { basic, digest } = await writeAccounts(folder, 'squid');
  const programs = { basic: `basic_ncsa_auth ${basic}`, digest: `digest_file_auth -c ${digest}` };
  return await onFreePort(async (port) => {
    const lines = [
      `http_port 127.0.0.1:${port}`,
      'visible_hostname localhost',
      'pid_filename none',
      `access_log ${logPort === undefined ? 'none' : `tcp:127.0.0.1:${logPort}`}`,
      'cache_log /dev/null',
      'cache deny all',
      `coredump_dir ${folder}`,
      'shutdown_lifetime 0 seconds',
      ...(idle === undefined ? [] : [`read_timeout ${idle} seconds`]),
      ...schemes.flatMap((scheme) => [
        `auth_param ${scheme} program ${HELPERS}/${programs[scheme]}`,
        `auth_param ${scheme} children 1`,
        `auth_param ${scheme} realm squid`,
      ]),
      // Otherwise squid makes the name lower case, and then does not know it.
      ...(schemes.includes('basic') ? ['auth_param basic casesensitive on'] : []),
      'pinger_enable off',
      'acl users proxy_auth REQUIRED',
      'acl closed port 9',
      'http_access deny !users',
      'http_access deny closed',
      ...(upgrades
        ? [
            'http_upgrade_request_protocols websocket allow all',
            'acl internal urlpath_regex ^/internal',
            'http_access deny internal',
          ]
        : []),
      'http_access allow all',
    ];
    const file = path.join(folder, 'squid.conf');
    await writeFile(file, lines.join('\n'));
    return new Program(scope, found('PULSEBEACON_SQUID'), ['-N', '-f', file]);
  });
}
