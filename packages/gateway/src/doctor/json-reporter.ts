import { escapeJson } from '../connect/escape.ts';
import type { Screen } from '../connect/screen.ts';
import { CHECKS, type Report } from './check.ts';
import type { DoctorReporter } from './doctor.ts';
import { adviceOf } from './text-reporter.ts';

/** For scripts: the whole report as one JSON object, at the end. */
export class JsonReporter implements DoctorReporter {
  private readonly screen: Screen;

  constructor(screen: Screen) {
    this.screen = screen;
  }

  begin(): void {}

  working(): void {}

  checked(): void {}

  end({ url, isOurs, checks }: Report): void {
    const report = {
      url,
      isPulseBeacon: isOurs ?? null,
      checks: checks.map(({ id, result, measured, values = {}, advice }) => ({
        id,
        title: CHECKS[id],
        result,
        measured,
        values,
        advice: advice?.code ?? null,
      })),
      advice: adviceOf(checks),
    };
    const json = JSON.stringify(report, undefined, 2);
    this.screen.out(`${this.screen.stdout.isTTY ? escapeJson(json) : json}\n`);
  }
}
