/**
 * How much all connections of this process hold in buffers that grow with what peers do: messages that are not
 * complete, and output that is not read. The server refuses new connections above a limit.
 */
export const processMemory: { buffered: number } = { buffered: 0 };
