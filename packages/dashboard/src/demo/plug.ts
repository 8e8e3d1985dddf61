import type { BeaconOptions, SocketClass } from '@pulsebeacon/client';

/** A WebSocket without a network. */
class Dead extends EventTarget {
  constructor() {
    super();
    setTimeout(() => this.dispatchEvent(new CloseEvent('close', { code: 1006 })), 0);
  }

  send(): void {}

  close(): void {}
}

/** The network of a page, as a plug that can be pulled: whatever it carries ends, and nothing gets through. */
export class Plug {
  private isOut = false;
  private readonly sockets = new Set<WebSocket>();
  private pulled = new AbortController();

  /** Options of a Beacon that goes by it. */
  get options(): Pick<BeaconOptions, 'WebSocket' | 'fetch'> {
    const { open } = this;
    // What a constructor returns is what `new` gives.
    const Plugged = function (url: string): WebSocket | Dead {
      return open(url);
    };
    return {
      WebSocket: Plugged as unknown as SocketClass,
      fetch: (url: string, init: RequestInit) => this.fetch(url, init),
    };
  }

  pull(): void {
    this.isOut = true;
    for (const socket of this.sockets) socket.close();
    this.pulled.abort();
  }

  putIn(): void {
    this.isOut = false;
    this.pulled = new AbortController();
    // As a browser says it.
    window.dispatchEvent(new Event('online'));
  }

  private readonly open = (url: string): WebSocket | Dead => {
    if (this.isOut) return new Dead();
    const socket = new WebSocket(url);
    this.sockets.add(socket);
    socket.addEventListener('close', () => this.sockets.delete(socket));
    return socket;
  };

  private fetch(url: string, init: RequestInit): Promise<Response> {
    if (this.isOut) return Promise.reject(new TypeError('this tab is offline'));
    const { signal } = init;
    const any = signal ? AbortSignal.any([signal, this.pulled.signal]) : this.pulled.signal;
    return fetch(url, { ...init, signal: any });
  }
}
