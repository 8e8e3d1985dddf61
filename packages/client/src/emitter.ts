import { throwLater } from './platform.ts';

/** Tells listeners of events, each of which has one value. */
export class Emitter<Events> {
  private readonly listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** Has a listener called for each event of a type. @returns ends that */
  on<Type extends keyof Events>(type: Type, listener: (event: Events[Type]) => void): () => void {
    let listeners = this.listeners.get(type);
    if (listeners === undefined) this.listeners.set(type, (listeners = new Set()));
    // The same function twice is two listeners.
    const own = (event: Events[Type]): void => listener(event);
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  protected hasListener(type: keyof Events): boolean {
    return (this.listeners.get(type)?.size ?? 0) > 0;
  }

  /** A listener that throws keeps nobody else from hearing of it: its error goes to the platform. */
  protected emit<Type extends keyof Events>(type: Type, event: Events[Type]): void {
    for (const listener of this.listeners.get(type) ?? []) {
      try {
        (listener as (event: Events[Type]) => void)(event);
      } catch (error) {
        throwLater(error);
      }
    }
  }
}
