import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Scope, temporaryFolder } from './cleanup.ts';
import { found } from './environment.ts';
import { onFreePort } from './listening.ts';
import { Program } from './program.ts';
import { inClone } from './root.ts';

export interface ProxyOptions {
  /** Silence after which the proxy ends a connection, such as `1s`. Default: as it ships. */
  readonly idle?: string;
  /** Pass on any Upgrade as it comes, as most instructions on the web say. Default: as it ships, WebSocket only. */
  readonly anyUpgrade?: boolean;
}

/** A proxy in front of a server on `port`, listening on the port that the promise gives. */
export type StartProxy = (scope: Scope, port: number, options?: ProxyOptions) => Promise<number>;

/** nginx with deploy/nginx/websocket.conf, where /internal is closed as well. */
export const startNginx: StartProxy = async (scope, upstream, { idle = '60s', anyUpgrade = false } = {}) => {
  const folder = await temporaryFolder(scope);
  const shipped = await readFile(inClone('deploy', 'nginx', 'websocket.conf'), 'utf8');
  await mkdir(path.join(folder, 'temporary'));
  return await onFreePort(async (port) => {
    const site = edit(shipped, {
      'listen 80;': `listen 127.0.0.1:${port};\n    location = /internal { return 403; }`,
      'server 127.0.0.1:8080;': `server 127.0.0.1:${upstream};`,
      'proxy_read_timeout 60s;': `proxy_read_timeout ${idle};`,
      'Upgrade $websocket_upgrade;': anyUpgrade ? 'Upgrade $http_upgrade;' : 'Upgrade $websocket_upgrade;',
      'Connection $websocket_connection;': anyUpgrade ? 'Connection upgrade;' : 'Connection $websocket_connection;',
    });
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path temporary;`,
    );
    const main = [
      // A worker of another user could not look into the folder.
      process.getuid?.() === 0 ? 'user root;' : '',
      'worker_processes 1;\npid nginx.pid;\nevents { worker_connections 2048; }',
      `http {\naccess_log off;\nserver_tokens off;\n${temporary.join('\n')}\n${site}\n}`,
    ];
    const file = path.join(folder, 'nginx.conf');
    await writeFile(file, main.join('\n'));
    const args = ['-p', folder, '-e', 'stderr', '-c', file, '-g', 'daemon off;'];
    return new Program(scope, found('PULSEBEACON_NGINX'), args);
  });
};

/** HAProxy with deploy/haproxy/websocket.cfg, where /internal is closed as well. */
export const startHaproxy: StartProxy = async (scope, upstream, { idle = '60s', anyUpgrade = false } = {}) => {
  const folder = await temporaryFolder(scope);
  const shipped = await readFile(inClone('deploy', 'haproxy', 'websocket.cfg'), 'utf8');
  const delUpgrade = 'http-request del-header Upgrade unless { req.hdr(Upgrade) -m str -i websocket }';
  return await onFreePort(async (port) => {
    const site = edit(shipped, {
      'bind :80': `bind 127.0.0.1:${port}\n    http-request deny deny_status 403 if { path /internal }`,
      'server one 127.0.0.1:8080': `server one 127.0.0.1:${upstream}`,
      'timeout tunnel 60s': `timeout tunnel ${idle}`,
      [delUpgrade]: anyUpgrade ? '' : delUpgrade,
    });
    const file = path.join(folder, 'haproxy.cfg');
    await writeFile(file, site);
    return new Program(scope, found('PULSEBEACON_HAPROXY'), ['-db', '-q', '-f', file]);
  });
};

/** Replaces texts of what ships, each of which must be there once. */
function edit(text: string, replacements: Readonly<Record<string, string>>): string {
  let edited = text;
  for (const [old, replacement] of Object.entries(replacements)) {
    if (edited.split(old).length !== 2) throw new Error(`"${old}" is not there once`);
    edited = edited.replace(old, () => replacement);
  }
  return edited;
}
