import { byId } from '../../shared/dom.js';
import type { Looks } from '../visitor.ts';
import { type Place, Pointer } from './pointer.ts';

const STEP = 0.02;
const FAR_STEP = 0.1;
const GONE_MS = 250;

const KEYS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const within = (value: number): number => Math.min(1, Math.max(0, value));

export interface FieldOwner {
  /** The visitor has moved. @param rings to be looked at */
  onMoved(place: Place, rings: boolean): void;
}

/** The field with all pointers on it, the visitor's own among them. */
export class Field {
  private readonly element = byId('stage', HTMLElement);
  private readonly owner: FieldOwner;
  private readonly own: Pointer;
  private readonly others = new Map<string, Pointer>();
  private readonly isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  /** Where the visitor is; undefined before they have been anywhere. */
  place: Place | undefined;

  constructor(looks: Looks, owner: FieldOwner) {
    this.owner = owner;
    this.own = new Pointer(looks, { x: 0.5, y: 0.5 });
    this.own.element.classList.add('own');
    this.listen();
    const draw = (now: number): void => {
      this.draw(now);
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }

  /** The visitor looks different. */
  look(looks: Looks): void {
    this.own.look(looks);
  }

  /** Somebody else is somewhere. */
  show(client: string, looks: Looks, place: Place, rings: boolean): void {
    let pointer = this.others.get(client);
    if (pointer === undefined) {
      pointer = new Pointer(looks, place);
      this.others.set(client, pointer);
      this.add(pointer);
    }
    pointer.look(looks);
    pointer.moveTo(place, this.isStill);
    if (rings) pointer.ring();
  }

  /** Somebody is gone. */
  hide(client: string): void {
    const pointer = this.others.get(client);
    if (pointer === undefined) return;
    this.others.delete(client);
    pointer.element.dataset['gone'] = '';
    setTimeout(() => pointer.element.remove(), GONE_MS);
  }

  /** Nobody else is here but these. */
  keepOnly(clients: ReadonlySet<string>): void {
    for (const client of this.others.keys()) if (!clients.has(client)) this.hide(client);
  }

  private add({ element }: Pointer): void {
    byId('empty', HTMLElement).dataset['gone'] = '';
    this.element.append(element);
  }

  private draw(now: number): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    this.own.draw(now, width, height);
    for (const pointer of this.others.values()) pointer.draw(now, width, height);
  }

  private listen(): void {
    const { element } = this;
    const follow = (event: PointerEvent, rings: boolean): void => {
      const { left, top, width, height } = element.getBoundingClientRect();
      this.move({ x: within((event.clientX - left) / width), y: within((event.clientY - top) / height) }, rings);
    };
    element.addEventListener('pointermove', (event) => follow(event, false));
    element.addEventListener('pointerdown', (event) => {
      // A finger that leaves the field still drags.
      element.setPointerCapture(event.pointerId);
      follow(event, true);
    });
    element.addEventListener('keydown', (event) => {
      const { x, y } = this.place ?? { x: 0.5, y: 0.5 };
      const way = KEYS[event.key];
      if (event.key === ' ') this.move({ x, y }, true);
      else if (way !== undefined && !event.ctrlKey && !event.altKey && !event.metaKey) {
        const step = event.shiftKey ? FAR_STEP : STEP;
        this.move({ x: within(x + way[0] * step), y: within(y + way[1] * step) }, false);
      } else return;
      event.preventDefault();
    });
  }

  private move(place: Place, rings: boolean): void {
    if (this.place === undefined) this.add(this.own);
    this.place = place;
    this.own.moveTo(place, true);
    if (rings) this.own.ring();
    this.owner.onMoved(place, rings);
  }
}
