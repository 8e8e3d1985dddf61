const ROUND = 30;
const AT_LEAST = 1000;

/** Goes round a map in steps, thirty to the round where it is large, so that no single step takes long. */
export class Rounds<K, V> {
  private readonly map: Map<K, V>;
  private readonly visit: (key: K, value: V) => void;
  private cursor: IterableIterator<[K, V]> | undefined;

  /** @param visit may delete what it is shown */
  constructor(map: Map<K, V>, visit: (key: K, value: V) => void) {
    this.map = map;
    this.visit = visit;
  }

  step(): void {
    this.cursor ??= this.map.entries();
    for (let left = Math.max(AT_LEAST, this.map.size / ROUND); left > 0; left--) {
      const next = this.cursor.next();
      if (next.done === true) {
        this.cursor = undefined;
        return;
      }
      this.visit(next.value[0], next.value[1]);
    }
  }
}
