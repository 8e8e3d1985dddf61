import { getSystemErrorMap, getSystemErrorName } from 'node:util';
import { untestedRuntime } from './tested-versions.ts';

/*
 * Writing to the handle of a socket itself, which saves what a Writable notes about each write. libuv tries to write at
 * once, and nearly always that is all. Only what the kernel does not take now needs a request, an object of Node's own:
 * up to Node 24 one is handed over with each write, later Node makes it when it is needed, and returns it.
 *
 * Node checks the arguments with assertions that end the process, so a try block would not help where they change: this
 * is used on the major versions that it was tested on, as Node itself is seen to do it, and only after a self-test.
 */

/** What is touched of a socket's handle. */
export interface WriteHandle {
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest | undefined;
  /** Bytes that were written and that the kernel has not taken. */
  readonly writeQueueSize: number;
}

/** Node's request for a write that goes on after the call. */
interface WriteRequest {
  /** {@link UNUSED} where no write goes on with it. */
  getAsyncId(): number;
  oncomplete: ((this: WriteRequest, status: number) => void) | null;
  /** As Node has it: the memory has to stay as long as the request does. */
  buffer: Uint8Array | null;
  owner?: WriteOwner;
}

/** Who is told, in a later turn, that a write which went on has ended: 0, or libuv's number of an error. */
export interface WriteOwner {
  onWriteDone(status: number): void;
}

/** {@link writeDirectly}: the kernel took everything, and the memory is free. */
export const WRITTEN = 0;
/** {@link writeDirectly}: the memory is in use until the owner is told. */
export const WRITING = 1;

const UNUSED = -1;
const [UV_EPIPE] = [...getSystemErrorMap()].find(([, [name]]) => name === 'EPIPE')!;

let Request: (new () => WriteRequest) | undefined;
/** For the next write: most writes leave it as it is. Null where Node makes requests itself. */
let idle: WriteRequest | null = null;

/** Why sockets are not written to directly, or undefined where they may be. */
export function directWriteRefusal(
  versions: Readonly<NodeJS.ProcessVersions>,
  wish: string | undefined,
): string | undefined {
  return wish === 'public' ? 'PULSEBEACON_WRITE=public' : untestedRuntime(versions);
}

export function isWriteHandle(handle: object): handle is WriteHandle {
  const { writeBuffer, writeQueueSize } = handle as Partial<WriteHandle>;
  return typeof writeBuffer === 'function' && typeof writeQueueSize === 'number';
}

/**
 * Looks on while Node writes to this handle, to learn how it does.
 * @param write writes one Buffer, as anybody may
 * @returns whether that was understood
 */
export function learnToWrite(handle: WriteHandle, write: () => void): boolean {
  const { writeBuffer } = handle;
  let seen: readonly unknown[] = [];
  handle.writeBuffer = (...values) => {
    seen = values;
    return Reflect.apply(writeBuffer, handle, values);
  };
  try {
    write();
  } finally {
    // What was in its way is the prototype's.
    Reflect.deleteProperty(handle, 'writeBuffer');
  }
  const [request, bytes] = seen as Partial<Parameters<typeof writeBuffer>>;
  if (seen.length !== 2 || request === undefined || !(bytes instanceof Uint8Array)) return false;
  Request = request === null ? undefined : (request.constructor as new () => WriteRequest);
  idle = Request === undefined ? null : new Request();
  return idle === null || idle.getAsyncId() === UNUSED;
}

/**
 * Only after {@link learnToWrite}.
 * @returns {@link WRITTEN}, {@link WRITING}, or libuv's (negative) number of an error
 */
export function writeDirectly(handle: WriteHandle, bytes: Uint8Array, owner: WriteOwner): number {
  const result = handle.writeBuffer(idle, bytes);
  if (result === 0 && (idle === null || idle.getAsyncId() === UNUSED)) return WRITTEN;
  let request: WriteRequest | undefined;
  if (typeof result === 'number') {
    // It belongs to this write now; after an error it may be spoilt.
    request = idle!;
    if (Request !== undefined) idle = new Request();
    if (result !== 0) return result;
  } else {
    request = result;
    // It failed where it should have gone on: why is kept where only Node can read it. Or the handle was closed.
    if (request === undefined || request.getAsyncId() === UNUSED) return UV_EPIPE;
  }
  request.owner = owner;
  request.buffer = bytes;
  request.oncomplete = onComplete;
  return WRITING;
}

function onComplete(this: WriteRequest, status: number): void {
  this.owner!.onWriteDone(status);
}

/** The error that a write of Node's would have failed with. */
export function writeError(status: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`write ${code}`), { errno: status, code, syscall: 'write' });
}
