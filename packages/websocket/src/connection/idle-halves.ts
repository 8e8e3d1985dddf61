/** More than this many halves are seldom in use at once; the rest is left to the garbage collector. */
const MOST_IDLE = 1024;

/** Keeps a half that no connection needs at the moment: ten thousand silent ones share a few. */
export function keepIdle<Half>(idle: Half[], half: Half): void {
  if (idle.length < MOST_IDLE) idle.push(half);
}
