// nginx with Nchan, one worker: WebSocket subscribers, and a publisher by HTTP. It keeps as much history as a channel does.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findNchan } from '../lib/nchan.mjs';
import { options, ready } from './common.mjs';

const { program, module, version } = findNchan();
const folder = mkdtempSync(join(tmpdir(), 'bench-nchan-'));

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, options.host, resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const port = options.port || (await freePort());
writeFileSync(
  join(folder, 'nginx.conf'),
  `load_module ${module};
${process.getuid() === 0 ? 'user root;' : ''}
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid ${folder}/pid; error_log ${folder}/error.log error;
events { worker_connections 19000; use epoll; multi_accept on; }
http {
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 300s;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  client_max_body_size ${options.maxMessageSize};
  nchan_shared_memory_size 128M; nchan_message_buffer_length 300; nchan_message_timeout 5m;
  server {
    listen ${options.host}:${port} backlog=4096;
    location = /sub { nchan_subscriber websocket; nchan_channel_id bench; nchan_subscriber_first_message newest; }
    location = /pub { nchan_publisher http; nchan_channel_id bench; }
  }
}
`,
);

const nginx = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
process.on('exit', () => {
  nginx.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
nginx.on('exit', (code) => {
  process.stderr.write(`error: nginx ended (${code}): ${readFileSync(join(folder, 'error.log'), 'utf8')}\n`);
  process.exit(1);
});

/** Its one worker: what is measured. */
async function worker() {
  for (let tries = 0; tries < 100; tries++) {
    const children = readFileSync(`/proc/${nginx.pid}/task/${nginx.pid}/children`, 'latin1').trim();
    if (children !== '') return Number(children.split(' ')[0]);
    await delay(50);
  }
  throw new Error('nginx started no worker');
}

const pid = await worker();
ready('Nchan', `nginx ${version}`, port, { pid, load: ['--path', '/sub', '--pub-path', '/pub', '--pub-http'] });
