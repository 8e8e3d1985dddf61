// The same without WebAssembly: frames are unmasked by the loop of src/protocol/mask.ts.
process.env['PULSEBEACON_MASK'] = 'plain';
await import('./messages.test.ts');
