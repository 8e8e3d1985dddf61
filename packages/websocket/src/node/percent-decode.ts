/** Percent-encoded UTF-8 (RFC 3986 §2.1). What encodes nothing stands for itself, as in the URLs that people write. */
export function percentDecode(text: string): string {
  return text.replaceAll(/(?:%[\da-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}
