/** Keeps `inFlight` publications of `size` bytes under way for some seconds, and says how many were acknowledged. */
export async function publishInProcess(publish, { inFlight, size, seconds, warmup }) {
  const data = 'x'.repeat(size);
  let acknowledged = 0;
  const until = performance.now() + (warmup + seconds) * 1000;
  const one = async () => {
    while (performance.now() < until) {
      await publish(data);
      acknowledged++;
    }
  };
  const all = Array.from({ length: inFlight }, one);
  await later(warmup);
  const before = { acknowledged, cpu: process.cpuUsage(), time: performance.now() };
  await later(seconds);
  const elapsed = (performance.now() - before.time) / 1000;
  const { user, system } = process.cpuUsage(before.cpu);
  const publications = acknowledged - before.acknowledged;
  await Promise.all(all);
  return { publications, seconds: elapsed, cpu: user + system };
}

const later = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
