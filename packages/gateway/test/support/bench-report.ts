// Reports of bench, made up.
import type { BenchReport } from '#dist/bench/bench.js';
import type { RunResult } from '#dist/bench/result.js';

export const LATENCY = { count: 1000, min: 0.05, mean: 0.2, p50: 0.1, p90: 0.3, p99: 1.5, p99_9: 4, max: 12.25 };

export function resultWith(changes: Partial<RunResult> = {}): RunResult {
  return {
    kind: 'websocket',
    ending: { how: 'complete' },
    seconds: 10,
    connections: { asked: 2, opened: 2, failed: [], lost: [], openedPerSecond: 400, timeToOpen: LATENCY },
    messages: {
      sent: 1000,
      answered: 1000,
      unanswered: 0,
      unsent: 0,
      errors: [],
      perSecond: 100,
      bytesPerSecond: 6400,
    },
    latency: LATENCY,
    distribution: [
      [0, 0.05],
      [50, 0.1],
      [90, 0.3],
      [99, 1.5],
      [100, 12.25],
    ],
    timeline: [0, 1, 2, 3].map((at) => ({
      at,
      perSecond: 100 + at,
      p50: 0.1,
      p90: 0.3,
      p99: at === 2 ? null : 1.5,
      max: 4,
    })),
    schedule: null,
    load: { threads: 1, cpu: 0.5, cpuMicrosPerMessage: 5, busy: 0.5 },
    wire: { message: { out: 70, in: 66 }, opening: { out: 200, in: 129 } },
    ...changes,
  };
}

export function reportWith(changes: Partial<BenchReport> = {}): BenchReport {
  return {
    format: 1,
    program: 'pulsebeacon 1.2.3',
    when: '2026-03-14T09:26:53.589Z',
    url: 'ws://127.0.0.1:8080/echo',
    machine: { cpu: 'A processor', cores: 4, system: 'Linux 6.1', node: '20.19.0' },
    settings: {
      connections: 2,
      connectRate: 400,
      rate: null,
      inFlight: 1,
      size: 64,
      kind: 'text',
      duration: 10,
      messages: null,
      warmup: 1,
      threads: 1,
      idle: false,
      compression: false,
      verify: true,
    },
    websocket: resultWith(),
    http: null,
    ...changes,
  };
}
