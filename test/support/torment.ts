import { setTimeout as pause } from 'node:timers/promises';
import type { FaultProxy, Faults } from '@pulsebeacon/contracts/fault-proxy';
import type { KillableServer } from './killable.ts';
import type { Random } from './random.ts';

/** What networks do for a while: stalls, refusals, and all that makes another transport the better one. */
const FAULTS: readonly Faults[] = [
  { freeze: true },
  { refuse: true },
  { stripUpgrade: true },
  { muteUpgraded: true },
  { bufferResponses: true },
  { stripUpgrade: true, bufferResponses: true },
  { cutAfter: 700 },
  { cutAfter: 20_000 },
  { cutAfterBytes: 3000, cutBy: 'reset' },
  { delay: 200 },
  { trickle: { bytes: 400, every: 20 } },
];

/** Breaks one network again and again, and repairs it. */
async function breakNetwork(proxy: FaultProxy, random: Random, signal: AbortSignal): Promise<number> {
  let faults = 0;
  while (!signal.aborted) {
    await sleep(random.between(500, 3500), signal);
    faults++;
    const isCut = random.chance(0.6);
    if (isCut) proxy.cut(random.chance(0.5) ? 'end' : 'reset');
    if (random.chance(0.75)) {
      proxy.set(FAULTS[random.between(0, FAULTS.length - 1)]);
      // Those that are there felt nothing of a proxy that looks at handshakes.
      if (isCut) proxy.cut('reset');
      await sleep(random.between(300, 7300), signal);
    }
    proxy.set();
  }
  return faults;
}

/** Kills the server again and again, as `kill -9` does; each time it is there again with the same data. */
async function killServer(server: KillableServer, random: Random, signal: AbortSignal): Promise<number> {
  let kills = 0;
  for (;;) {
    await sleep(random.between(3000, 9000), signal);
    if (signal.aborted) return kills;
    await server.killAndStart();
    kills++;
  }
}

const sleep = (ms: number, signal: AbortSignal): Promise<unknown> =>
  pause(ms, undefined, { signal }).catch(() => undefined);

/** Everything that can go wrong on the way, and the server itself, for a while; then all is well again. */
export async function torment(
  server: KillableServer,
  proxies: readonly FaultProxy[],
  seconds: number,
  random: Random,
): Promise<{ readonly faults: number; readonly kills: number }> {
  const signal = AbortSignal.timeout(seconds * 1000);
  const [kills, ...faults] = await Promise.all([
    killServer(server, random, signal),
    ...proxies.map((proxy) => breakNetwork(proxy, random, signal)),
  ]);
  return { kills, faults: faults.reduce((sum, each) => sum + each, kills) };
}
