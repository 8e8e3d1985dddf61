import type { HubRequest } from '@pulsebeacon/hub';
import { OriginPolicy, type OriginPolicyOptions } from '@pulsebeacon/websocket';
import { quote } from '@pulsebeacon/wire';

/** For what the program's own pages do, and those of no other origin, whichever the settings list: browsers tell whose it is. */
export class OwnPagesOnly {
  private readonly policy: OriginPolicy;

  constructor({ publicUrl }: Pick<OriginPolicyOptions, 'publicUrl'>) {
    this.policy = new OriginPolicy({ publicUrl });
  }

  /** @returns undefined where the request may go on, else why it may not, for the log */
  refuse(request: HubRequest): string | undefined {
    const site = request.header('sec-fetch-site')?.toLowerCase();
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return `Sec-Fetch-Site ${quote(site)}`;
    const { origin, scheme } = request;
    if (origin === undefined) return undefined;
    const { allowed } = this.policy.decide(request, scheme);
    return allowed ? undefined : `Origin ${quote(origin)}`;
  }
}
