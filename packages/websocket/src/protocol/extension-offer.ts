/**
 * One element of a Sec-WebSocket-Extensions field (RFC 6455 §9.1): what a client offers, or what a server accepts.
 * Names of extensions and parameters are tokens and compared exactly.
 */
export interface ExtensionOffer {
  /** The extension's registered name, such as `permessage-deflate`. */
  readonly name: string;

  /** The parameters in the order sent; `true` stands for one without a value. Of one sent twice, the first value. */
  readonly parameters: ReadonlyMap<string, string | true>;

  /**
   * A parameter was sent more than once. The field is well-formed all the same; whether the offer is still worth
   * anything is for the extension to say (permessage-deflate declines it: RFC 7692 §7).
   */
  readonly duplicated: boolean;
}
