import { BeaconError } from '@pulsebeacon/client';
import { byId } from '../shared/dom.js';

/** A key of the server, where it lets nobody publish without: it is in this page, and nowhere else. */
export class Key {
  private text = '';

  /** @param onGiven told of another key */
  constructor(onGiven: () => void) {
    const field = byId('key', HTMLInputElement);
    byId('key-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (text === '') return;
      this.text = text;
      onGiven();
    });
  }

  /** As in the header field Authorization. */
  get authorization(): string | undefined {
    return this.text === '' ? undefined : `Bearer ${this.text}`;
  }

  /** Options of a Beacon. */
  get options(): { authorization?: string } {
    const { authorization } = this;
    return authorization === undefined ? {} : { authorization };
  }

  /** Asks for it, in the place of what needs it. */
  ask(isAsked: boolean): void {
    const form = byId('key-form', HTMLFormElement);
    if (form.hidden !== isAsked) return;
    form.hidden = !isAsked;
    document.body.toggleAttribute('data-asks', isAsked);
  }
}

/** Whether somebody with a key might. */
export const wantsKey = (error: unknown): boolean =>
  error instanceof BeaconError && (error.code === 'PB_UNAUTHENTICATED' || error.code === 'PB_FORBIDDEN');
