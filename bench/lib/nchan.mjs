// nginx with the module Nchan, as Debian has it (libnginx-mod-nchan).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const MODULES = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/usr/share/nginx/modules'];
const PROGRAMS = ['nginx', '/usr/sbin/nginx', '/usr/local/sbin/nginx'];
const HINT = 'Debian: apt-get install nginx-light libnginx-mod-nchan';

/** { program, module, version }, or { why }. */
export function findNchan() {
  const module = MODULES.map((folder) => `${folder}/ngx_nchan_module.so`).find((path) => existsSync(path));
  if (!module) return { why: `nginx has no ngx_nchan_module.so (${HINT})` };
  for (const program of PROGRAMS) {
    const { error, stderr } = spawnSync(program, ['-v'], { encoding: 'utf8' });
    if (!error) return { program, module, version: /nginx\/([\d.]+)/.exec(stderr)?.[1] ?? 'unknown' };
  }
  return { why: `no nginx (${HINT})` };
}
