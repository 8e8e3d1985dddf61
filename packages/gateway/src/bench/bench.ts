import os from 'node:os';
import { Failure } from '../failure.ts';
import { VERSION } from '../version.ts';
import { type Comparison, compare, type PollingPlan, type PollingRuns } from './comparison.ts';
import { type Progress, runPlan } from './crew.ts';
import { HttpAnswerError } from './http-link.ts';
import { linkMakerFor } from './links.ts';
import type { LoadPlan } from './plan.ts';
import { preflight } from './preflight.ts';
import { type RunResult, toResult } from './result.ts';
import { httpUrl, withPath } from './target.ts';
import { measureWire, type WireCost } from './wire.ts';

export interface BenchSettings {
  readonly plan: LoadPlan;
  readonly threads: number;
  /** Measure the same by HTTP, too. */
  readonly comparison: PollingPlan | undefined;
}

/** Everything that is known after a run, as it is written to JSON. */
export interface BenchReport {
  /** Of this structure; it changes when a field changes its meaning. */
  readonly format: 1;
  readonly program: string;
  readonly when: string;
  readonly url: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly system: string; readonly node: string };
  readonly settings: ReportedSettings;
  readonly websocket: RunResult;
  readonly http: Comparison | null;
}

/** Times in seconds; null where there is no limit. */
export interface ReportedSettings {
  readonly connections: number;
  readonly connectRate: number | null;
  readonly rate: number | null;
  readonly inFlight: number;
  readonly size: number;
  readonly kind: string;
  readonly duration: number | null;
  readonly messages: number | null;
  readonly warmup: number;
  readonly threads: number;
  readonly idle: boolean;
  readonly compression: boolean;
  readonly verify: boolean;
}

/** How long is polled where messages are counted, not time. */
const POLLING_MS = 10_000;

/** Which run is under way. */
export type OnProgress = (plan: LoadPlan, progress: Progress) => void;

/**
 * Looks whether the target answers as it must, runs the load, and, where it is asked for, the same by HTTP.
 * @param signal ends it early; what was measured until then is reported
 * @throws HandshakeError where no connection comes about
 * @throws Failure where what answers is nothing that could be measured
 */
export async function runBench(
  settings: BenchSettings,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<BenchReport> {
  const { plan, threads, comparison } = settings;
  const plans = comparison === undefined ? undefined : comparisonPlans(plan, comparison);
  const when = new Date().toISOString();
  await unlessAborted(signal, checkTarget(plan));
  for (const httpPlan of plans === undefined ? [] : [plans.post, plans.polls]) {
    await unlessAborted(signal, checkHttp(httpPlan));
  }

  const measure = async (each: LoadPlan): Promise<RunResult> => {
    const run = await runPlan(each, threads, signal, (progress) => onProgress(each, progress));
    return toResult(run, plans === undefined || signal.aborted ? undefined : await countWire(each));
  };
  const websocket = await measure(plan);
  return {
    format: 1,
    program: `pulsebeacon ${VERSION}`,
    when,
    url: plan.target.url,
    machine: describeMachine(),
    settings: reportedSettings(plan, threads),
    websocket,
    http: plans === undefined ? null : await compareWith(websocket, plans, signal, measure),
  };
}

/** Before anything is measured there is nothing to report. */
async function unlessAborted(signal: AbortSignal, done: Promise<void>): Promise<void> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = (): void => reject(new Failure('stopped before anything was measured', 130));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  stopped.catch(() => {});
  await Promise.race([done, stopped]);
}

async function compareWith(
  websocket: RunResult,
  plans: ComparisonPlans,
  signal: AbortSignal,
  measure: (plan: LoadPlan) => Promise<RunResult>,
): Promise<Comparison | null> {
  if (signal.aborted) return null;
  const post = await measure(plans.post);
  let runs: PollingRuns | undefined;
  if (!signal.aborted) {
    runs = { plan: plans.polling, polls: await measure(plans.polls), messages: await measure(plans.messages) };
  }
  return compare(websocket, post, runs, plans.post.payload.size);
}

interface ComparisonPlans {
  readonly polling: PollingPlan;
  /** The same number of connections, messages and bytes, by POST. */
  readonly post: LoadPlan;
  /** Polls at their interval. */
  readonly polls: LoadPlan;
  /** As many messages by WebSocket, at the same pace: each wakes the processor, as each poll does. */
  readonly messages: LoadPlan;
}

function comparisonPlans(plan: LoadPlan, polling: PollingPlan): ComparisonPlans {
  const { path, interval } = polling;
  const messages: LoadPlan = {
    ...plan,
    // HTTP/1.1 has one request on its way on a connection: clients do not pipeline (RFC 9112 §9.3.2).
    inFlight: 1,
    rate: (plan.connections * 1000) / interval,
    // A client sleeps between its polls.
    precise: false,
    duration: plan.duration === Infinity ? POLLING_MS : plan.duration,
    messages: Infinity,
  };
  return {
    polling,
    post: { ...plan, kind: 'post', inFlight: 1 },
    polls: { ...messages, kind: 'poll', target: withPath(plan.target, path) },
    messages,
  };
}

async function checkTarget(plan: LoadPlan): Promise<void> {
  const result = await preflight(linkMakerFor(plan), plan.idle, plan.timeout);
  if (result.how === 'answered') return;
  const needs = 'bench needs an endpoint that echoes, such as /echo of pulsebeacon serve';
  const remedies = {
    mismatch: `${needs}; --no-verify takes whatever comes as the answer`,
    silent: `${needs}; --idle opens and holds connections without sending`,
    lost: 'see what the server logs',
  };
  throw new Failure(`${plan.target.url}: ${result.message}; ${remedies[result.how]}`);
}

async function checkHttp(plan: LoadPlan): Promise<void> {
  const url = httpUrl(plan.target);
  try {
    await preflight(linkMakerFor(plan), true, plan.timeout);
  } catch (error) {
    const needs =
      plan.kind === 'post'
        ? '--compare-http needs a path that answers a POST with its body, such as /echo of pulsebeacon serve'
        : '--poll-path names one that answers a GET';
    const what = error instanceof HttpAnswerError ? error.message : `${url}: ${(error as Error).message}`;
    throw new Failure(`${what}; ${needs}`);
  }
}

/** Without it the rest is still worth reporting. */
async function countWire(plan: LoadPlan): Promise<WireCost | undefined> {
  try {
    return await measureWire(plan);
  } catch {
    return undefined;
  }
}

function describeMachine(): BenchReport['machine'] {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    system: `${os.type()} ${os.release()}`,
    node: process.versions.node,
  };
}

function reportedSettings(plan: LoadPlan, threads: number): ReportedSettings {
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  const { connections, connectRate, rate, inFlight, payload, duration, messages, warmup, idle, verify } = plan;
  return {
    connections,
    connectRate: finite(connectRate),
    rate: rate === 0 ? null : rate,
    inFlight,
    size: payload.size,
    kind: payload.kind,
    duration: finite(duration / 1000),
    messages: finite(messages),
    warmup: warmup / 1000,
    threads: Math.min(threads, connections),
    idle,
    compression: plan.opening.compression,
    verify,
  };
}
