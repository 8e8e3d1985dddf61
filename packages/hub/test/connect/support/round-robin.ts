import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** A proxy that gives each connection to the next of its servers, whoever it is from. @returns its port */
export async function roundRobin(t: TestContext, ports: readonly number[]): Promise<number> {
  let turn = 0;
  const proxy = createServer((from) => {
    const to = connect(ports[turn++ % ports.length]!, '127.0.0.1');
    from.pipe(to).pipe(from);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  return (proxy.address() as AddressInfo).port;
}
