import type { PeerCertificate } from 'node:tls';

/** A certificate as far as the words for it need it. */
export type Shown = Pick<PeerCertificate, 'subject' | 'issuer' | 'subjectaltname' | 'valid_from' | 'valid_to'>;

/** A field of a distinguished name may be there several times. */
const first = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0];

export function issuerOf({ issuer }: Shown): string {
  return first(issuer?.O) ?? first(issuer?.CN) ?? 'an issuer without a name';
}

/** The names that it is for. */
export function namesOf({ subject, subjectaltname = '' }: Shown): string {
  const names = subjectaltname
    .split(', ')
    .filter((name) => name !== '')
    .map((name) => name.replace(/^(?:DNS|IP Address):/, ''));
  return names.length === 0 ? (first(subject?.CN) ?? 'no name') : names.slice(0, 5).join(', ');
}

/**
 * What is wrong with a certificate, and what to do.
 * @param code OpenSSL's verdict, as Node has it
 */
export function certificateFault(
  code: string,
  host: string,
  shown: Shown,
): { readonly short: string; readonly advice: string } {
  const issuer = issuerOf(shown);
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return {
        short: `the certificate expired on ${day(shown.valid_to)}`,
        advice: `The certificate of ${host} expired on ${day(shown.valid_to)}: renew it, and see why that did not happen by itself. If it is valid, the clock of this machine is wrong.`,
      };
    case 'CERT_NOT_YET_VALID':
      return {
        short: `the certificate is valid from ${day(shown.valid_from)} only`,
        advice: `The certificate of ${host} is valid from ${day(shown.valid_from)} only: the clock of this machine may be wrong.`,
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        short: `the certificate is for ${namesOf(shown)}`,
        advice: `The certificate is for ${namesOf(shown)}, and not for ${host}: ask by a name that it has, or have one made for this name. A server that keeps several certificates may give out the wrong one.`,
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return {
        short: 'the certificate is signed by itself',
        advice: `The certificate of ${host} is signed by itself, so nobody can check it, as that of pulsebeacon serve --tls-dev is: --ca FILE trusts that one, --insecure looks at the rest without checking.`,
      };
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return {
        short: `the server does not send the certificate of its issuer, ${issuer}`,
        advice: `The server sends its certificate without those between it and the root (issuer: ${issuer}): give it the whole chain, fullchain.pem in place of cert.pem. Browsers may know the missing one, programs do not. Where ${issuer} is an issuer of your own, --ca FILE trusts it.`,
      };
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return {
        short: `the issuer, ${issuer}, is not known here`,
        advice: `Nobody here knows the issuer of the certificate, ${issuer}. Where it is an issuer of your own, --ca FILE trusts it (NODE_EXTRA_CA_CERTS in Node programs). Where it is not, somebody on the way opens TLS and shows a certificate of its own: a company's proxy, or a virus scanner.`,
      };
    default:
      return {
        short: `the certificate cannot be checked (${code})`,
        advice: `The certificate of ${host} cannot be checked: ${code}. --insecure looks at the rest without checking.`,
      };
  }
}

export function day(date: string): string {
  const time = Date.parse(date);
  return Number.isNaN(time) ? date : new Date(time).toISOString().slice(0, 10);
}
