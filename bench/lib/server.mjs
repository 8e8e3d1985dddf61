// One server of the comparison, as a process of its own.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BENCH, firstLine, PEERS } from './peers.mjs';

const START_SECONDS = 20;
const running = new Set();

// Whatever ends this process ends what it started. (Their standard input ends as well, which they heed.)
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Server {
  #child;
  #waiting = [];
  #stderr = '';
  #ended;

  /** command: the runtime and its flags; args: what bench/servers/common.mjs reads. Resolves when it listens. */
  static async start(machine, name, command, args) {
    const server = new Server();
    try {
      await server.#start(machine, name, command, args);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  async #start(machine, name, command, args) {
    const script = join(BENCH, 'servers', PEERS[name].server);
    const [program, ...rest] = machine.pinned(machine.serverCpu, [...command, script, ...args]);
    this.name = name;
    this.#child = spawn(program, rest, {
      cwd: BENCH,
      stdio: ['pipe', 'pipe', 'pipe'],
      // The comparison is with ws as npm installs it, whatever else lies around.
      env: { ...process.env, NODE_ENV: 'production', WS_NO_BUFFER_UTIL: '1', WS_NO_UTF_8_VALIDATE: '1' },
    });
    const child = this.#child;
    running.add(child);
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (chunk) => (this.#stderr = (this.#stderr + chunk).slice(-4000)));
    this.#ended = new Promise((resolve) => {
      const gone = (how) => {
        running.delete(child);
        for (const { reject } of this.#waiting.splice(0))
          reject(new Error(`${name} server ended (${how}): ${firstLine(this.#stderr)}`));
        resolve();
      };
      child.on('error', (error) => gone(error.message));
      child.on('close', (code, signal) => gone(code ?? signal));
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.#line(line));
    this.info = await this.#next(`${name} server did not start`);
    this.pid = this.info.pid;
    this.port = this.info.port;
  }

  #line(line) {
    if (!line.startsWith('{')) return;
    this.#waiting.shift()?.resolve(JSON.parse(line));
  }

  #next(what) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what} within ${START_SECONDS} s: ${firstLine(this.#stderr)}`)),
        START_SECONDS * 1000,
      );
      this.#waiting.push({
        resolve: (value) => (clearTimeout(timer), resolve(value)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
    });
  }

  async collectGarbage() {
    const answer = this.#next(`${this.name} server did not collect`);
    this.#child.stdin.write('gc\n');
    return (await answer).gc;
  }

  async stop() {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await this.#ended;
    clearTimeout(timer);
  }
}
