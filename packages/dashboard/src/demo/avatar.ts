import { create } from '../shared/dom.js';
import type { Looks } from './visitor.ts';

/** The first letter of somebody's name, in their colour. */
export function avatar({ name, colour }: Looks): HTMLElement {
  const [first = '?'] = name;
  const element = create('span', 'avatar', first.toUpperCase());
  element.dataset['colour'] = String(colour);
  element.setAttribute('aria-hidden', 'true');
  return element;
}
