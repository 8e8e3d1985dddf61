// What tests need from outside: how it is found, and which Debian packages bring it.
import fs from 'node:fs';
import path from 'node:path';
import { Failure, run, say, seconds } from './project.mjs';

const FOLDERS = [
  ...(process.env.PATH ?? '').split(path.delimiter),
  // Where Debian puts servers; an ordinary user's PATH does not have it.
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
];

function command(...names) {
  for (const name of names) {
    for (const folder of FOLDERS) {
      const file = path.join(folder, name);
      try {
        fs.accessSync(file, fs.constants.X_OK);
        if (fs.statSync(file).isFile()) return file;
      } catch {
        // Not here: look on.
      }
    }
  }
  return undefined;
}

/** A Python that has the library websockets: Debian's own before whatever else is first on the PATH. */
async function pythonWithWebsockets() {
  for (const python of new Set(['/usr/bin/python3', command('python3')])) {
    if (!python || !fs.existsSync(python)) continue;
    const { code } = await run(python, ['-c', 'import websockets'], { stdio: 'pipe', timeout: 20_000 });
    if (code === 0) return python;
  }
  return undefined;
}

/** A Python that has the server hypercorn, and in it HTTP/2 and WebSocket. */
async function pythonWithHypercorn() {
  for (const python of new Set(['/usr/bin/python3', command('python3')])) {
    if (!python || !fs.existsSync(python)) continue;
    const { code } = await run(python, ['-c', 'import hypercorn, h2, wsproto'], { stdio: 'pipe', timeout: 20_000 });
    if (code === 0) return python;
  }
  return undefined;
}

function gorillaPath() {
  const folders = [...(process.env.GOPATH ?? '').split(path.delimiter).filter(Boolean), '/usr/share/gocode'];
  return folders.find((folder) => fs.existsSync(path.join(folder, 'src/github.com/gorilla/websocket/conn.go')));
}

const program = (variable, names, debian) => ({
  debian: [debian],
  find: () => {
    const file = command(...names);
    return file && { [variable]: file };
  },
});

/**
 * By name: the Debian packages, and `find`, which gives the environment variables that tell a test where the thing
 * is, or undefined when it is not there.
 */
export const REQUIREMENTS = {
  apache: program('PULSEBEACON_APACHE', ['apache2'], 'apache2'),
  caddy: program('PULSEBEACON_CADDY', ['caddy'], 'caddy'),
  chromium: program('PULSEBEACON_CHROMIUM', ['chromium', 'chromium-browser', 'google-chrome'], 'chromium'),
  curl: program('PULSEBEACON_CURL', ['curl'], 'curl'),
  firefox: program('PULSEBEACON_FIREFOX', ['firefox-esr'], 'firefox-esr'),
  haproxy: program('PULSEBEACON_HAPROXY', ['haproxy'], 'haproxy'),
  libwebsockets: program('PULSEBEACON_LWS_SERVER', ['libwebsockets-test-server'], 'libwebsockets-test-server'),
  nginx: program('PULSEBEACON_NGINX', ['nginx'], 'nginx'),
  openssl: program('PULSEBEACON_OPENSSL', ['openssl'], 'openssl'),
  slowhttptest: program('PULSEBEACON_SLOWHTTPTEST', ['slowhttptest'], 'slowhttptest'),
  squid: program('PULSEBEACON_SQUID', ['squid'], 'squid'),
  'systemd-analyze': program('PULSEBEACON_SYSTEMD_ANALYZE', ['systemd-analyze'], 'systemd'),
  'python-websockets': {
    debian: ['python3', 'python3-websockets'],
    find: async () => {
      const python = await pythonWithWebsockets();
      return python && { PULSEBEACON_PYTHON: python };
    },
  },
  hypercorn: {
    debian: ['python3', 'python3-hypercorn'],
    find: async () => {
      const python = await pythonWithHypercorn();
      return python && { PULSEBEACON_HYPERCORN: python };
    },
  },
  tomcat: {
    debian: ['tomcat10', 'tomcat10-examples'],
    find: () => {
      const home = '/usr/share/tomcat10';
      const examples = '/usr/share/tomcat10-examples/examples';
      const isThere = fs.existsSync(`${home}/bin/catalina.sh`) && fs.existsSync(`${examples}/WEB-INF`);
      return isThere && command('java') && { PULSEBEACON_TOMCAT: home, PULSEBEACON_TOMCAT_EXAMPLES: examples };
    },
  },
  gorilla: {
    debian: ['golang-go', 'golang-github-gorilla-websocket-dev'],
    find: () => {
      const [go, gopath] = [command('go'), gorillaPath()];
      return go && gopath && { PULSEBEACON_GO: go, PULSEBEACON_GOPATH: gopath };
    },
  },
};

/** Looks for each of the names: { env, missing }. */
export async function lookFor(names) {
  const env = {};
  const missing = [];
  for (const name of names) {
    if (!REQUIREMENTS[name])
      throw new Failure(`a test requires "${name}", which scripts/lib/requirements.mjs does not know`);
    const found = await REQUIREMENTS[name].find();
    if (found) Object.assign(env, found);
    else missing.push(name);
  }
  return { env, missing };
}

export const debianPackages = (names) => [...new Set(names.flatMap((name) => REQUIREMENTS[name].debian))];

/**
 * Installs Debian packages. Their servers are not started: while the packages are set up, a policy file says so, as
 * Debian provides for (invoke-rc.d(8)); an existing policy is left as it is.
 */
export async function installPackages(names) {
  const packages = debianPackages(names);
  if (!command('apt-get')) throw new Failure(`cannot install ${packages.join(', ')}: this system has no apt-get`);
  const root = process.getuid?.() === 0;
  if (!root && !command('sudo')) throw new Failure(`installing ${packages.join(', ')} takes root or sudo`);
  const apt = async (...args) => {
    const words = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    const [first, ...rest] = root ? words : ['sudo', '-n', ...words];
    const { code, stdout, stderr } = await run(first, rest, { stdio: 'pipe' });
    if (code !== 0) throw new Failure(`apt-get ${args.join(' ')} failed:\n${stdout}${stderr}`);
  };
  const policy = '/usr/sbin/policy-rc.d';
  const ours = root && !fs.existsSync(policy);
  say(`installing Debian packages: ${packages.join(', ')}`);
  const start = performance.now();
  if (ours) fs.writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await apt('update');
    await apt('install', '-y', '--no-install-recommends', ...packages);
  } finally {
    if (ours) fs.rmSync(policy, { force: true });
  }
  say(`installed in ${seconds(start)}`);
}
