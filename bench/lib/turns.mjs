// Every contestant's windows in turn: A B A B …

/** Above these a window says more about the neighbours than about the server. Cores. */
export const FOREIGN_CPU = 0.12;
export const STEAL = 0.05;

export const disturbance = (sample) => Math.max((sample.foreignCpu ?? 0) / FOREIGN_CPU, (sample.steal ?? 0) / STEAL);

/**
 * Rounds in which somebody else took CPU from one of the two that are compared are measured again, as many times more
 * at most; then the quietest rounds count. What is chosen by is the disturbance alone, never the figure.
 */
function keepQuietest(rounds, wanted, compared) {
  const worst = (round) => Math.max(...compared.map(({ id }) => disturbance(round.get(id) ?? {})));
  return rounds.toSorted((a, b) => worst(a) - worst(b)).slice(0, wanted);
}

/** Runs `work`; a peer that is only beside the comparison drops out when it fails, the others fail the row. */
export async function attempt(contestant, work) {
  if (contestant.dropped) return undefined;
  try {
    return await work();
  } catch (error) {
    if (contestant.compared) throw error;
    contestant.dropped = error.message;
    return undefined;
  }
}

/** start(contestant): the process that is measured; window(process, contestant): one sample of it. */
export async function forEachInTurn(context, row, contestants, { start, prepare, window }) {
  const wanted = context.options.rounds;
  const compared = contestants.filter((contestant) => contestant.compared);
  const servers = new Map();
  const rounds = [];
  const quiet = () => rounds.filter((round) => compared.every(({ id }) => disturbance(round.get(id)) <= 1)).length;
  try {
    for (const contestant of contestants) {
      await attempt(contestant, async () => {
        const server = await start(contestant);
        servers.set(contestant.id, server);
        contestant.info = server.info;
        await prepare(server, contestant);
      });
    }
    while (rounds.length < wanted || (quiet() < wanted && rounds.length < 2 * wanted)) {
      const round = new Map();
      // A repeated round is for the sake of the ratio: only the two it is made of take part.
      for (const contestant of rounds.length < wanted ? contestants : compared) {
        const sample = await attempt(contestant, () => window(servers.get(contestant.id), contestant));
        if (!sample) continue;
        round.set(contestant.id, sample);
        context.progress(row, contestant, rounds.length + 1, sample);
      }
      rounds.push(round);
    }
  } finally {
    for (const server of servers.values()) await server.stop();
  }
  const kept = keepQuietest(rounds, wanted, compared);
  return new Map(
    contestants.map((contestant) => {
      const source = contestant.compared ? kept : rounds;
      return [contestant.id, source.map((round) => round.get(contestant.id)).filter(Boolean)];
    }),
  );
}
