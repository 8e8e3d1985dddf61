// requires: chromium, nginx
// The page behind a proxy that lets no WebSocket through: everything else is live, and it says why one is not.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FrontPage } from '../support/front-page.ts';
import { startBareNginx } from '../support/proxy.ts';

const frontPage = await FrontPage.start();
const port = await startBareNginx({ after }, Number(frontPage.port));

test('behind nginx with proxy_pass alone the page follows by HTTP, and says what is missing', async () => {
  const page = await (await frontPage.openContext()).newPage();
  await page.goto(`http://localhost:${port}/`);
  await page.locator('#live-text', { hasText: 'live, without WebSocket' }).waitFor();
  await page.locator('#pages-open', { hasText: /^\d/ }).waitFor();
  for (const transport of ['Server-Sent Events', 'Long poll']) {
    const lane = page.getByRole('article', { name: transport, exact: true });
    await lane.locator('.state-text', { hasText: 'live since' }).waitFor();
  }
  const lane = page.getByRole('article', { name: 'WebSocket', exact: true });
  await lane.locator('.state-text', { hasText: 'refused; a proxy may drop Upgrade' }).waitFor();
  // Publishing takes the Host that the browser sees, which this proxy does not pass on either.
  await page.locator('#publish-button').click();
  await page.getByText('which a proxy has to pass on').waitFor();
  await page.screenshot({ path: `${frontPage.screenshots}/behind-bare-proxy.png`, fullPage: true });
  await page.close();
  // The browser remarks on what is refused, as it has to.
  const remarks = frontPage.complaints.splice(0);
  assert.ok(
    remarks.every((remark) => /WebSocket|403/.test(remark)),
    remarks.join('\n'),
  );
});
