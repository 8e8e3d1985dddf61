/** What a caller of this package can do wrong. */
export type HubUsageCode = 'PB_HUB_OPTION' | 'PB_HUB_CLOSED';

/** A call that cannot be carried out as it is. The message names the value, what is allowed, and the remedy. */
export class HubUsageError extends TypeError {
  override readonly name = 'HubUsageError';
  readonly code: HubUsageCode;

  constructor(code: HubUsageCode, message: string) {
    super(message);
    this.code = code;
  }
}
