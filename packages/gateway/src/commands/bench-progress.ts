import type { SingleBar } from 'cli-progress';
import type { OnProgress } from '../bench/bench.ts';
import type { Progress } from '../bench/crew.ts';
import type { LoadKind, LoadPlan } from '../bench/plan.ts';
import { amount } from '../bench/report/figures.ts';

const NAMES: Readonly<Record<LoadKind, string>> = { websocket: 'WebSocket', post: 'HTTP POST', poll: 'polls' };
const DONE = 100;

/** Shows on a terminal how far a run is. */
export class ProgressBar {
  private readonly bar: SingleBar;
  private readonly isDone: () => boolean;
  private plan: LoadPlan | undefined;
  private phase: Progress['phase'] | undefined;
  private since = 0;
  private before: { readonly at: number; readonly answered: number } = { at: 0, answered: 0 };

  /** @param isDone nothing is shown any more */
  static async start(stream: NodeJS.WritableStream, isDone: () => boolean): Promise<ProgressBar> {
    // Loaded where it is shown: scripts need not wait for it.
    const { SingleBar: Bar, Presets } = (await import('cli-progress')).default;
    const options = { stream, clearOnComplete: true, hideCursor: true, format: '{what} {bar} {note}', barsize: 24 };
    return new ProgressBar(new Bar(options, Presets.shades_classic), isDone);
  }

  private constructor(bar: SingleBar, isDone: () => boolean) {
    this.bar = bar;
    this.isDone = isDone;
    bar.start(DONE, 0, { what: 'looking', note: '' });
  }

  readonly show: OnProgress = (plan, progress) => {
    if (this.isDone()) return;
    const now = performance.now();
    if (plan !== this.plan || progress.phase !== this.phase) {
      this.plan = plan;
      this.phase = progress.phase;
      this.since = now;
    }
    const what = `${NAMES[plan.kind]}, ${progress.phase}`.padEnd(24);
    this.bar.update(DONE * partDone(plan, progress, now - this.since), { what, note: this.note(plan, progress, now) });
  };

  stop(): void {
    this.bar.stop();
  }

  private note({ idle, connections }: LoadPlan, { open, answered, phase }: Progress, now: number): string {
    const { at, answered: earlier } = this.before;
    this.before = { at: now, answered };
    if (idle || phase === 'opening') return `${amount(open)} of ${amount(connections)} open`;
    const rate = now > at ? Math.max(0, ((answered - earlier) * 1000) / (now - at)) : 0;
    return `${amount(open)} open, ${amount(rate)} messages/s`;
  }
}

/** From 0 to 1, of the phase. */
function partDone(plan: LoadPlan, { phase, open, answered }: Progress, elapsed: number): number {
  const part = {
    opening: open / plan.connections,
    'warming up': elapsed / plan.warmup,
    measuring: plan.messages === Infinity ? elapsed / plan.duration : answered / plan.messages,
    waiting: 1,
  }[phase];
  return Math.min(1, Number.isNaN(part) ? 1 : part);
}
