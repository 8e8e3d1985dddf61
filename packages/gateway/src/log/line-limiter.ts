const LINES_A_SECOND = 10;
const SECOND_MS = 1000;

interface Window {
  lines: number;
  skipped: number;
}

/** Keeps those who can cause log lines at will from filling the disk: ten a second of each kind, then their number. */
export class LineLimiter {
  private readonly windows = new Map<string, Window>();
  private readonly report: (skipped: number, code: string) => void;

  constructor(report: (skipped: number, code: string) => void) {
    this.report = report;
  }

  /** @returns whether the line may be written */
  admit(code: string): boolean {
    const window = this.windows.get(code) ?? this.open(code);
    if (window.lines < LINES_A_SECOND) {
      window.lines++;
      return true;
    }
    window.skipped++;
    return false;
  }

  private open(code: string): Window {
    const window: Window = { lines: 0, skipped: 0 };
    this.windows.set(code, window);
    const close = (): void => {
      this.windows.delete(code);
      if (window.skipped > 0) this.report(window.skipped, code);
    };
    setTimeout(close, SECOND_MS).unref();
    return window;
  }
}
