import { type Broker, MemoryBroker } from '@pulsebeacon/hub';

/** A broker whose publications take as long as the test wants. */
export class SlowBroker extends MemoryBroker implements Broker {
  /** Resolves once something was to be published. */
  readonly asked: Promise<void>;
  /** Publications that wait. */
  underWay = 0;
  goOn!: () => void;
  private readonly released: Promise<void>;
  private isAsked!: () => void;

  constructor() {
    super();
    this.asked = new Promise((resolve) => (this.isAsked = resolve));
    this.released = new Promise((resolve) => (this.goOn = resolve));
  }

  override publish(...parameters: Parameters<MemoryBroker['publish']>): ReturnType<MemoryBroker['publish']> {
    return this.publishLater(parameters) as unknown as ReturnType<MemoryBroker['publish']>;
  }

  private async publishLater(parameters: Parameters<MemoryBroker['publish']>) {
    this.underWay++;
    this.isAsked();
    await this.released;
    this.underWay--;
    return super.publish(...parameters);
  }
}
