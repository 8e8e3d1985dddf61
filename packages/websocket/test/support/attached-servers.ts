// Imported before all that looks at it when it is loaded.
process.env['PULSEBEACON_TEST_SERVERS'] = 'attached';
