/** A link that is being opened. Times are by the clock of the machine. */
export interface Attempt {
  readonly link: number;
  readonly rung: number;
  /** Why it is opened: to get through at all, for a better transport, or for other channels. */
  readonly why: 'connect' | 'probe' | 'renew';
  readonly since: number;
  deadline: number;
}

/** The link in use. */
export interface Current {
  readonly link: number;
  readonly rung: number;
  readonly since: number;
  heardAt: number;
  /** Longest silence. */
  patience: number;
}
