// The same on servers of node:http: their handshakes are read by Node's parser, and not with the first bytes.
process.env['PULSEBEACON_TEST_SERVERS'] = 'attached';
await import('./authorize.test.ts');
await import('./capacity.test.ts');
await import('./origins.test.ts');
await import('./trace.test.ts');
