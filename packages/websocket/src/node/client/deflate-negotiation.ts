import type { Agreement } from '../../connection/shared.ts';
import { serializeExtensions } from '../../handshake/extension-header.ts';
import type { ExtensionOffer } from '../../protocol/extension-offer.ts';
import { acceptDeflateAnswer, type DeflateOffer, offerDeflate } from '../../protocol/permessage-deflate.ts';
import type { DeflateProvider } from '../../protocol/platform.ts';
import { OpeningFailure } from './opening-failure.ts';

const NOTHING_AGREED: Agreement = { protocol: '', extensions: '', deflate: null };
const NO_OFFERS: readonly ExtensionOffer[] = [];

/** What one opening handshake offers of permessage-deflate (RFC 7692 §7), in each of its requests. */
export class DeflateNegotiation {
  readonly offers: readonly ExtensionOffer[];
  private readonly provider: DeflateProvider | null;
  private readonly offer: DeflateOffer | undefined;

  constructor(provider: DeflateProvider | null) {
    this.provider = provider;
    this.offer =
      provider === null
        ? undefined
        : offerDeflate(provider.wishes, (parameters) => provider.grantTakeover(parameters, 'client'));
    this.offers = this.offer === undefined ? NO_OFFERS : [this.offer.offer];
  }

  /** What the answer agrees to. @throws OpeningFailure where its extension parameters are no answer to ours */
  agree(protocol = '', extensions: readonly ExtensionOffer[]): Agreement {
    const [accepted] = extensions;
    if (accepted === undefined) {
      this.release();
      return protocol === '' ? NOTHING_AGREED : { protocol, extensions: '', deflate: null };
    }
    const answer = acceptDeflateAnswer(accepted, this.offer!.offer);
    if ('error' in answer) throw new OpeningFailure('PB_ANSWER_DEFLATE_INVALID', { detail: answer.error });
    // The server may have agreed to less: what was set aside is given back, and what is needed is taken again.
    this.release();
    const { parameters } = answer;
    if (!parameters.clientNoContextTakeover || !parameters.serverNoContextTakeover) {
      this.provider!.grantTakeover(parameters, 'client');
    }
    return { protocol, extensions: serializeExtensions(extensions), deflate: parameters };
  }

  /** There will be no connection: what was set aside is given back. */
  release(): void {
    const granted = this.offer?.granted;
    if (granted !== undefined) this.provider!.releaseTakeover(granted);
  }
}
