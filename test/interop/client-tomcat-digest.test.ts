// requires: tomcat
// Digest with SHA-256 against an implementation that others wrote.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { connect, type ConnectOptions, type HandshakeError, type TraceEvent } from '@pulsebeacon/websocket';
import { ACCOUNT } from '../support/accounts.ts';
import { temporaryFolder } from '../support/cleanup.ts';
import { found } from '../support/environment.ts';
import { onFreePort } from '../support/listening.ts';
import { Program } from '../support/program.ts';

/** Tomcat's own WebSocket examples, for those alone who log in by Digest with one of these algorithms. */
async function startTomcat(algorithms: string): Promise<number> {
  const home = found('PULSEBEACON_TOMCAT');
  const base = await temporaryFolder({ after });
  for (const folder of ['conf', 'logs', 'temp', 'webapps', 'work']) await mkdir(path.join(base, folder));
  const defaults = await readFile(path.join(home, 'etc', 'web.xml'), 'utf8');
  const constraint = `<security-constraint>
      <web-resource-collection><web-resource-name>all</web-resource-name><url-pattern>/websocket/*</url-pattern></web-resource-collection>
      <auth-constraint><role-name>lion</role-name></auth-constraint>
    </security-constraint>`;
  await writeFile(path.join(base, 'conf', 'web.xml'), defaults.replace('</web-app>', `${constraint}</web-app>`));
  const { username, password } = ACCOUNT;
  const users = `<tomcat-users><user username="${username}" password="${password}" roles="lion"/></tomcat-users>`;
  await writeFile(path.join(base, 'conf', 'users.xml'), users);
  await cp(found('PULSEBEACON_TOMCAT_EXAMPLES'), path.join(base, 'examples'), { recursive: true, dereference: true });
  return await onFreePort(async (port) => {
    const server = `<Server port="-1"><Service name="Catalina">
      <Connector port="${port}" address="127.0.0.1" protocol="org.apache.coyote.http11.Http11NioProtocol" bindOnInit="false"/>
      <Engine name="Catalina" defaultHost="localhost">
        <Realm className="org.apache.catalina.realm.MemoryRealm" pathname="conf/users.xml"/>
        <Host name="localhost" appBase="webapps" autoDeploy="false" deployOnStartup="false">
          <Context path="/examples" docBase="${path.join(base, 'examples')}">
            <Valve className="org.apache.catalina.authenticator.DigestAuthenticator" algorithms="${algorithms}"/>
          </Context>
        </Host>
      </Engine>
    </Service></Server>`;
    await writeFile(path.join(base, 'conf', 'server.xml'), server);
    const env = { ...process.env, CATALINA_HOME: home, CATALINA_BASE: base };
    return new Program({ after }, path.join(home, 'bin', 'catalina.sh'), ['run'], { env });
  });
}

/** Sends a message and has it back. @returns the requests' Authorization */
async function login(url: string, options: ConnectOptions): Promise<string[]> {
  const shown: string[] = [];
  const trace = (event: TraceEvent): void => {
    if (event.type === 'request') shown.push(/^Authorization: (.*)\r$/m.exec(event.text)?.[1] ?? '');
  };
  const connection = await connect(url, { ...options, trace });
  connection.send('hello');
  for await (const message of connection.messages()) {
    assert.equal(message, 'hello');
    break;
  }
  connection.close();
  return shown;
}

const url = `ws://127.0.0.1:${await startTomcat('SHA-256,MD5')}/examples/websocket/echoAnnotation`;
describe('Tomcat, which asks for Digest (SHA-256, MD5)', () => {
  test('is answered with the stronger algorithm, and at once the next time', async () => {
    const credentials = { ...ACCOUNT };
    const [before, answer = ''] = await login(url, { credentials });
    assert.equal(before, '');
    assert.match(answer, /^Digest username="Mufasa", .*algorithm=SHA-256, .*nc=00000001/);
    const again = await login(url, { credentials });
    assert.equal(again.length, 1);
    assert.match(again[0]!, /nc=00000002/);
  });

  test('does not let a wrong password in', async () => {
    const credentials = { ...ACCOUNT, password: 'wrong' };
    await assert.rejects(connect(url, { credentials }), ({ code, status }: HandshakeError) => {
      assert.deepEqual([code, status], ['PB_CREDENTIALS_REJECTED', 401]);
      return true;
    });
  });
});
