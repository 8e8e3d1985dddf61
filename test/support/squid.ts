import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeAccounts } from './accounts.ts';
import { type Scope, temporaryFolder } from './cleanup.ts';
import { found } from './environment.ts';
import { onFreePort } from './listening.ts';
import { Program } from './program.ts';
import { edit } from './proxy.ts';
import { inClone } from './root.ts';

export interface SquidOptions {
  /** Where it sends a line by TCP for each request that is over. Default: nowhere. */
  readonly logPort?: number;
  /** It passes on Upgrade: websocket in requests that it is to forward itself, too, and keeps /internal closed. Default false. */
  readonly upgrades?: boolean;
  /** Seconds of silence after which it ends a connection. Default: as squid has it, 15 minutes. */
  readonly idle?: number;
}

/**
 * squid with deploy/squid/squid.conf, for those who say who they are by one of these schemes; it opens tunnels to any port
 * but 9.
 */
export async function startSquid(
  scope: Scope,
  schemes: readonly ('basic' | 'digest')[],
  { logPort, upgrades = false, idle }: SquidOptions = {},
): Promise<number> {
  const folder = await temporaryFolder(scope);
  const shipped = await readFile(inClone('deploy', 'squid', 'squid.conf'), 'utf8');
  const { basic, digest } = await writeAccounts(folder, 'squid');
  const digestLines = `auth_param digest program /usr/lib/squid/digest_file_auth -c ${digest}\nauth_param digest realm squid`;
  const upgradeLines = [
    'http_upgrade_request_protocols websocket allow all',
    'acl internal urlpath_regex ^/internal',
    'http_access deny internal',
  ];
  return await onFreePort(async (port) => {
    const own = [
      `http_port 127.0.0.1:${port}`,
      'visible_hostname localhost',
      'pid_filename none',
      `access_log ${logPort === undefined ? 'none' : `tcp:127.0.0.1:${logPort}`}`,
      'cache_log /dev/null',
      'cache deny all',
      `coredump_dir ${folder}`,
      'shutdown_lifetime 0 seconds',
      'pinger_enable off',
      ...(schemes.includes('digest') ? [digestLines] : []),
    ];
    const site = edit(shipped, {
      'http_port 3128': own.join('\n'),
      'basic_ncsa_auth /etc/squid/passwords': `basic_ncsa_auth ${basic}`,
      'acl tunnel_ports port 443': ['acl tunnel_ports port 1-8 10-65535', ...(upgrades ? upgradeLines : [])].join('\n'),
      ...(idle === undefined ? {} : { 'read_timeout 15 minutes': `read_timeout ${idle} seconds` }),
    });
    const file = path.join(folder, 'squid.conf');
    await writeFile(file, schemes.includes('basic') ? site : site.replaceAll(/^auth_param basic .*\n/gm, ''));
    return new Program(scope, found('PULSEBEACON_SQUID'), ['-N', '-f', file]);
  });
}
