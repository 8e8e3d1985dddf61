/**
 * Aborts as soon as the stream of a sink is aborted, where the sink itself is asked only after what it is just writing.
 * Node has it since version 18, its types have not.
 */
export function signalOf(controller: WritableStreamDefaultController): AbortSignal {
  return (controller as unknown as { readonly signal: AbortSignal }).signal;
}
