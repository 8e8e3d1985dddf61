// Imported first by every script: an old Node gets one clear sentence instead of a syntax error from deep inside.
// The minimum is that of package.json ("engines"): the first release of Node 20 that can require() an ES module.
const MINIMUM = [20, 19, 0];

const current = process.versions.node.split('.').map(Number);
const older = MINIMUM.reduce((verdict, wanted, i) => verdict || Math.sign(current[i] - wanted), 0) < 0;
if (older) {
  console.error(`Pulse Beacon needs Node.js ${MINIMUM.join('.')} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
