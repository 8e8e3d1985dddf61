/** Whether a host is this machine: nobody on a network can read what is sent to it. `localhost` by RFC 6761 §6.3. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
