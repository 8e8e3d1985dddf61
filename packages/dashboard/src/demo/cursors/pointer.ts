import { create } from '../../shared/dom.js';
import type { Looks } from '../visitor.ts';

/** A place on the field: from 0 to 1, from its left and from its top. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** What comes more slowly is not stretched over more. */
const LONGEST_STEP_MS = 160;
const SHORTEST_STEP_MS = 30;
const RING_MS = 900;
/** Who has not moved for so long is shown as somebody who rests. */
const RESTS_AFTER_MS = 15_000;

const SVG = 'http://www.w3.org/2000/svg';

/** The pointer of one visitor on the field. It glides from where it is to each place that comes, in the time between two of them. */
export class Pointer {
  readonly element: HTMLElement;
  private readonly label = create('span', 'label');
  private from: Place;
  private to: Place;
  private since = 0;
  private stepMs = SHORTEST_STEP_MS;
  private movedAt = performance.now();

  constructor(looks: Looks, place: Place) {
    this.element = create('div', 'pointer', arrow(), this.label);
    this.from = place;
    this.to = place;
    this.look(looks);
  }

  look({ name, colour }: Looks): void {
    this.element.dataset['colour'] = String(colour);
    this.label.textContent = name;
  }

  /** @param isAtOnce without gliding */
  moveTo(place: Place, isAtOnce = false): void {
    const now = performance.now();
    this.from = isAtOnce ? place : this.placeAt(now);
    this.to = place;
    this.stepMs = Math.min(LONGEST_STEP_MS, Math.max(SHORTEST_STEP_MS, now - this.movedAt));
    this.since = now;
    this.movedAt = now;
  }

  /** Rings, so that others look. */
  ring(): void {
    const ring = create('span', 'ring');
    this.element.append(ring);
    setTimeout(() => ring.remove(), RING_MS);
  }

  /** @param now by `performance.now()` */
  draw(now: number, width: number, height: number): void {
    const { x, y } = this.placeAt(now);
    this.element.style.transform = `translate(${(x * width).toFixed(1)}px, ${(y * height).toFixed(1)}px)`;
    this.element.toggleAttribute('data-near-right', x > 0.8);
    this.element.toggleAttribute('data-rests', now - this.movedAt > RESTS_AFTER_MS);
  }

  private placeAt(now: number): Place {
    const part = Math.min(1, (now - this.since) / this.stepMs);
    const { from, to } = this;
    return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
  }
}

function arrow(): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 22');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', 'M2 1.5 17.5 12l-7 1.4-3.6 6.4z');
  svg.append(path);
  return svg;
}
