// requires: tomcat
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after } from 'node:test';
import { temporaryFolder } from '../support/cleanup.ts';
import { echoSuite } from '../support/echo-suite.ts';
import { found } from '../support/environment.ts';
import { onFreePort } from '../support/listening.ts';
import { Program } from '../support/program.ts';

/** Tomcat with its own examples and nothing else, in a folder of the test. */
async function startTomcat(): Promise<number> {
  const home = found('PULSEBEACON_TOMCAT');
  const base = await temporaryFolder({ after });
  for (const folder of ['conf', 'logs', 'temp', 'webapps', 'work']) await mkdir(path.join(base, folder));
  await cp(path.join(home, 'etc', 'web.xml'), path.join(base, 'conf', 'web.xml'), { dereference: true });
  return await onFreePort(async (port) => {
    const server = `<Server port="-1"><Service name="Catalina">
      <Connector port="${port}" address="127.0.0.1" protocol="org.apache.coyote.http11.Http11NioProtocol"/>
      <Engine name="Catalina" defaultHost="localhost">
        <Host name="localhost" appBase="webapps" autoDeploy="false" deployOnStartup="false">
          <Context path="/examples" docBase="${found('PULSEBEACON_TOMCAT_EXAMPLES')}"/>
        </Host>
      </Engine>
    </Service></Server>`;
    await writeFile(path.join(base, 'conf', 'server.xml'), server);
    const env = { ...process.env, CATALINA_HOME: home, CATALINA_BASE: base };
    return new Program({ after }, path.join(home, 'bin', 'catalina.sh'), ['run'], { env });
  });
}

const url = `ws://127.0.0.1:${await startTomcat()}/examples/websocket/echoAnnotation`;

echoSuite("Tomcat's JSR 356 example", { url, deflateUrl: url });
