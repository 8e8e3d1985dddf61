// The same over the public path of reading, which every socket takes where the self-test of the shared read buffer fails.
process.env['PULSEBEACON_READ'] = 'public';
await import('./messages.test.ts');
await import('./slow-consumer.test.ts');
await import('./authorize.test.ts');
await import('./server-lifetime.test.ts');
