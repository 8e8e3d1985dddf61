/** A connection under load: sends numbered messages, and says when each is answered. */
export interface Link {
  /** Sends the next message. @returns false where the connection takes no more: it is ending */
  send(): boolean;
  /** Ends it properly. @returns resolves when it is over, or after a time that bears it */
  end(): Promise<void>;
}

/** Told what becomes of the messages of a link, in the order in which they were sent. */
export interface LinkObserver {
  /** @param bytes of the answer, without headers of any kind */
  onAnswer(bytes: number): void;
  /** The oldest message gets no answer that counts; the connection goes on. */
  onError(code: string, message: string): void;
  /** The connection is over, and it was not us who ended it. */
  onLost(code: string, message: string): void;
  /** What came is not the answer: the load makes no sense at this place. */
  onMismatch(message: string): void;
}

/** Opens links of one kind to one place. */
export interface LinkMaker {
  /** @throws HandshakeError, or what else stands for a connection that does not come about */
  open(observer: LinkObserver): Promise<Link>;
}
