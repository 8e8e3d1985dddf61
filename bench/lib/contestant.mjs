// One server or client of the comparison, as a process of its own that is told what to do by lines of JSON.
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

export class Contestant {
  #child;
  #waiting = [];
  #stderr = '';
  #ended;

  /**
   * Resolves when it is ready. role: 'server' or 'client'; cpu: the core it runs on; command: the runtime and its
   * flags; args: what common.mjs of its folder reads.
   */
  static async start(machine, { name, role, cpu, command, args }) {
    const contestant = new Contestant();
    try {
      await contestant.#start(machine, name, role, cpu, command, args);
    } catch (error) {
      await contestant.stop();
      throw error;
    }
    return contestant;
  }

  async #start(machine, name, role, cpu, command, args) {
    const script = join(BENCH, `${role}s`, PEERS[name][role]);
    const [program, ...rest] = machine.pinned(cpu, [...command, script, ...args]);
    this.name = `${name} ${role}`;
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
          reject(new Error(`${this.name} ended (${how}): ${firstLine(this.#stderr)}`));
        resolve();
      };
      child.on('error', (error) => gone(error.message));
      child.on('close', (code, signal) => gone(code ?? signal));
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.#line(line));
    this.info = await this.#next(`${this.name} did not start`);
    this.pid = this.info.pid;
    this.port = this.info.port;
  }

  #line(line) {
    if (!line.startsWith('{')) return;
    this.#waiting.shift()?.resolve(JSON.parse(line));
  }

  #next(what, seconds = START_SECONDS) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what} within ${seconds} s: ${firstLine(this.#stderr)}`)),
        seconds * 1000,
      );
      this.#waiting.push({
        resolve: (value) => (clearTimeout(timer), resolve(value)),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
    });
  }

  /** Has it do something, and resolves with what it answers. */
  async ask(request, seconds) {
    const answer = this.#next(`${this.name} did not answer "${request.do}"`, seconds);
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const result = await answer;
    if (result.error) throw new Error(`${this.name}: ${result.error}`);
    return result;
  }

  async collectGarbage() {
    return (await this.ask({ do: 'gc' })).gc;
  }

  async stop() {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await this.#ended;
    clearTimeout(timer);
  }
}
