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
  /** Listen with TLS, and offer HTTP/2 by ALPN. Default: without TLS, and HTTP/1.1. */
  readonly tls?: CertificateFiles;
  /** Listen without TLS for HTTP/2 alone, with prior knowledge. Of HAProxy. Default false. */
  readonly clearHttp2?: boolean;
  /** Speak HTTP/2 to the server, with prior knowledge. Of HAProxy. Default: HTTP/1.1. */
  readonly toHttp2?: boolean;
}

/** Paths of PEM files, as `makeCertificate` gives them. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A proxy in front of a server on `port`, listening on the port that the promise gives. */
export type StartProxy = (scope: Scope, port: number, options?: ProxyOptions) => Promise<number>;

/** nginx with deploy/nginx/websocket.conf, where /internal is closed as well. */
export const startNginx: StartProxy = async (scope, upstream, { idle = '60s', anyUpgrade = false } = {}) => {
  const shipped = await readFile(inClone('deploy', 'nginx', 'websocket.conf'), 'utf8');
  return nginx(scope, (port) =>
    edit(shipped, {
      'listen 80;': `listen 127.0.0.1:${port};\n    location = /internal { return 403; }`,
      'server 127.0.0.1:8080;': `server 127.0.0.1:${upstream};`,
      'proxy_read_timeout 60s;': `proxy_read_timeout ${idle};`,
      'Upgrade $websocket_upgrade;': anyUpgrade ? 'Upgrade $http_upgrade;' : 'Upgrade $websocket_upgrade;',
      'Connection $websocket_connection;': anyUpgrade ? 'Connection upgrade;' : 'Connection $websocket_connection;',
    }),
  );
};

/** nginx with what stands in its http { }. */
async function nginx(scope: Scope, site: (port: number) => string): Promise<number> {
  const folder = await temporaryFolder(scope);
  await mkdir(path.join(folder, 'temporary'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temporary;`);
  return await onFreePort(async (port) => {
    const main = [
      // A worker of another user could not look into the folder.
      process.getuid?.() === 0 ? 'user root;' : '',
      'worker_processes 1;\npid nginx.pid;\nevents { worker_connections 2048; }',
      `http {\naccess_log off;\nserver_tokens off;\n${temporary.join('\n')}\n${site(port)}\n}`,
    ];
    const file = path.join(folder, 'nginx.conf');
    await writeFile(file, main.join('\n'));
    const args = ['-p', folder, '-e', 'stderr', '-c', file, '-g', 'daemon off;'];
    return new Program(scope, found('PULSEBEACON_NGINX'), args);
  });
}

/** HAProxy with deploy/haproxy/websocket.cfg, where /internal is closed as well. */
export const startHaproxy: StartProxy = async (
  scope,
  upstream,
  { idle = '60s', anyUpgrade = false, tls, clearHttp2 = false, toHttp2 = false } = {},
) => {
  const folder = await temporaryFolder(scope);
  const shipped = await readFile(inClone('deploy', 'haproxy', 'websocket.cfg'), 'utf8');
  const delUpgrade = 'http-request del-header Upgrade unless { req.hdr(Upgrade) -m str -i websocket }';
  let how = clearHttp2 ? ' proto h2' : '';
  if (tls !== undefined) {
    const both = path.join(folder, 'both.pem');
    await writeFile(both, `${await readFile(tls.certFile, 'utf8')}${await readFile(tls.keyFile, 'utf8')}`);
    how = ` ssl crt ${both} alpn h2,http/1.1`;
  }
  return await onFreePort(async (port) => {
    const site = edit(shipped, {
      'bind :80\n': `bind 127.0.0.1:${port}${how}\n    http-request deny deny_status 403 if { path /internal }\n`,
      'server one 127.0.0.1:8080\n': `server one 127.0.0.1:${upstream}${toHttp2 ? ' proto h2' : ''}\n`,
      'timeout tunnel 60s': `timeout tunnel ${idle}`,
      [delUpgrade]: anyUpgrade ? '' : delUpgrade,
    });
    const file = path.join(folder, 'haproxy.cfg');
    await writeFile(file, site);
    return new Program(scope, found('PULSEBEACON_HAPROXY'), ['-db', '-q', '-f', file]);
  });
};

/** Where Debian has the modules of Apache. */
const APACHE_MODULES = '/usr/lib/apache2/modules';

/** Apache with deploy/apache/websocket.conf, where /internal is closed as well. */
export const startApache: StartProxy = async (scope, upstream, { idle = '60s', anyUpgrade = false, tls } = {}) => {
  const shipped = await readFile(inClone('deploy', 'apache', 'websocket.conf'), 'utf8');
  const closed = '<Location "/internal">\nRequire all denied\n</Location>';
  return await apache(
    scope,
    [...(tls === undefined ? [] : ['http2', 'ssl']), 'headers', 'proxy', 'proxy_http'],
    (port) =>
      edit(shipped, {
        '<VirtualHost *:80>': `<VirtualHost 127.0.0.1:${port}>\n${closed}\n${tls === undefined ? '' : apacheTls(tls)}`,
        'http://127.0.0.1:8080/': `http://127.0.0.1:${upstream}/`,
        '# H2WebSockets on': 'H2WebSockets on',
        'Timeout 60': `Timeout ${Number.parseInt(idle, 10)}`,
        'upgrade=websocket': `upgrade=${anyUpgrade ? 'ANY' : 'websocket'}`,
      }),
  );
};

const apacheTls = ({ certFile, keyFile }: CertificateFiles): string =>
  `SSLEngine on\nSSLCertificateFile "${certFile}"\nSSLCertificateKeyFile "${keyFile}"`;

/** Apache with some modules, and with what stands in a site of it. */
export async function apache(
  scope: Scope,
  modules: readonly string[],
  site: (port: number) => string,
): Promise<number> {
  const folder = await temporaryFolder(scope);
  return await onFreePort(async (port) => {
    const lines = [
      `ServerRoot "${folder}"`,
      `Listen 127.0.0.1:${port}`,
      'ServerName localhost',
      `PidFile "${path.join(folder, 'httpd.pid')}"`,
      'ErrorLog "/dev/null"',
      `DefaultRuntimeDir "${folder}"`,
      'ThreadsPerChild 64',
      ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
      ...['mpm_event', 'authz_core', ...modules].map(
        (name) => `LoadModule ${name}_module ${APACHE_MODULES}/mod_${name}.so`,
      ),
      site(port),
    ];
    const file = path.join(folder, 'httpd.conf');
    await writeFile(file, lines.join('\n'));
    // In one process, which leaves none behind.
    return new Program(scope, found('PULSEBEACON_APACHE'), ['-f', file, '-X']);
  });
}

/** HAProxy with deploy/haproxy/tcp.cfg, behind another one that speaks the PROXY protocol, too. */
export const startTcpHaproxy: StartProxy = async (scope, upstream) => {
  const folder = await temporaryFolder(scope);
  const shipped = await readFile(inClone('deploy', 'haproxy', 'tcp.cfg'), 'utf8');
  return await onFreePort(async (port) => {
    const site = edit(shipped, {
      'bind :443': `bind 127.0.0.1:${port} accept-proxy`,
      'server one 127.0.0.1:8443': `server one 127.0.0.1:${upstream}`,
    });
    const file = path.join(folder, 'haproxy.cfg');
    await writeFile(file, site);
    return new Program(scope, found('PULSEBEACON_HAPROXY'), ['-db', '-q', '-f', file]);
  });
};

/** Caddy with deploy/caddy/Caddyfile, where /internal is closed as well. */
export const startCaddy: StartProxy = async (scope, upstream, { idle = '60s', anyUpgrade = false } = {}) => {
  const folder = await temporaryFolder(scope);
  const shipped = await readFile(inClone('deploy', 'caddy', 'Caddyfile'), 'utf8');
  const delUpgrade = 'request_header @otherUpgrade -Upgrade';
  return await onFreePort(async (port) => {
    const site = edit(shipped, {
      ':80 {': `http://127.0.0.1:${port} {\n\tbind 127.0.0.1\n\trespond /internal 403`,
      'reverse_proxy 127.0.0.1:8080': `reverse_proxy 127.0.0.1:${upstream}`,
      'read_timeout 60s': `read_timeout ${idle}`,
      [delUpgrade]: anyUpgrade ? '' : delUpgrade,
    });
    const file = path.join(folder, 'Caddyfile');
    // What it keeps, it keeps in the folder; and it has no port but that one.
    await writeFile(file, `{\n\tadmin off\n\tauto_https off\n}\n${site}`);
    const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    return new Program(scope, found('PULSEBEACON_CADDY'), ['run', '--adapter', 'caddyfile', '--config', file], { env });
  });
};

/** nginx as most instructions have it: `proxy_pass`, and nothing else. */
export const startBareNginx: StartProxy = (scope, upstream) =>
  nginx(
    scope,
    (port) => `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstream}; } }`,
  );

/** Replaces texts of what ships, each of which must be there once. */
export function edit(text: string, replacements: Readonly<Record<string, string>>): string {
  let edited = text;
  for (const [old, replacement] of Object.entries(replacements)) {
    if (edited.split(old).length !== 2) throw new Error(`"${old}" is not there once`);
    edited = edited.replace(old, () => replacement);
  }
  return edited;
}
