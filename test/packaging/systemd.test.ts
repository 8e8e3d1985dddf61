// requires: systemd-analyze
// deploy/systemd/pulsebeacon.service, as systemd itself reads it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../support/cleanup.ts';
import { found } from '../support/environment.ts';
import { inClone } from '../support/root.ts';

const shipped = readFileSync(inClone('deploy', 'systemd', 'pulsebeacon.service'), 'utf8');

function analyze(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(found('PULSEBEACON_SYSTEMD_ANALYZE'), args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

describe('the unit of systemd', () => {
  it('has nothing that systemd complains about, and names a program that is there', async (t) => {
    const unit = path.join(await temporaryFolder(t), 'pulsebeacon.service');
    const words = /^ExecStart=(\S+) \/opt\/pulsebeacon\/(\S+) serve$/m.exec(shipped);
    assert.ok(words !== null);
    const here = shipped.replace(words[1]!, process.execPath).replace('/opt/pulsebeacon/packages', inClone('packages'));
    readFileSync(inClone(words[2]!));
    writeFileSync(unit, here);
    assert.deepEqual(analyze('verify', '--man=no', unit), { status: 0, said: '' });
  });

  it('leaves little open, as systemd counts it: at most 2 of 10', async (t) => {
    const unit = path.join(await temporaryFolder(t), 'pulsebeacon.service');
    writeFileSync(unit, shipped);
    const { status, said } = analyze('security', '--offline=true', '--threshold=20', unit);
    assert.equal(status, 0, said);
  });

  it('waits for longer than the program drains', () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)s$/m.exec(shipped)?.[1]);
    assert.ok(seconds > 30, String(seconds));
  });
});
