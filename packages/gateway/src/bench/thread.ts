// One thread of the load: runs its part of the plan, and tells the main thread what comes of it.
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from './clock.ts';
import { linkMakerFor } from './links.ts';
import { Load } from './load.ts';
import type { LoadPlan } from './plan.ts';
import type { Order, Report } from './thread-messages.ts';

const PROGRESS_MS = 200;

function serve(port: MessagePort, plan: LoadPlan): void {
  const tell = (report: Report): void => port.postMessage(report);
  let before: EventLoopUtilization | undefined;
  const load = new Load(plan, linkMakerFor(plan), systemClock, {
    onInterval: (interval) => tell({ type: 'interval', interval }),
    onMeasuring: () => {
      before = performance.eventLoopUtilization();
      tell({ type: 'measuring' });
    },
    onSent: () => tell({ type: 'sent', busy: performance.eventLoopUtilization(before).utilization }),
  });
  const progress = setInterval(() => tell({ type: 'progress', open: load.open, answered: load.answered }), PROGRESS_MS);

  const orders: Readonly<Record<Order, () => Promise<void> | void>> = {
    run: async () => tell({ type: 'outcome', outcome: await load.run() }),
    stop: () => load.stop(),
    leave: async () => {
      clearInterval(progress);
      await load.disconnect();
      // The thread, not the program.
      process.exit();
    },
  };
  port.on('message', (order: Order) => void orders[order]());
  void load.connect().then((counts) => tell({ type: 'opened', counts }));
}

serve(parentPort!, workerData as LoadPlan);
